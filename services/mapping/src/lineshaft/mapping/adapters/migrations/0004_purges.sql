-- Purges under way and their end: records go a chunk at a time, on `entities.*` first.
create table purge (
    connection_id text primary key,
    command_id text not null,
    traceparent text,
    records bigint not null default 0,
    asked_at timestamptz not null default now(),
    completed_at timestamptz
);
create index purge_open on purge (asked_at) where completed_at is null;
