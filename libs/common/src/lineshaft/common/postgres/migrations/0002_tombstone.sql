-- Connections that were purged: for ever, so that nothing about them is stored again.
create table tombstone (
    connection_id text primary key,
    buried_at timestamptz not null default now()
);
