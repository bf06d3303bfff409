-- Messages that a transaction wants published; the relay sends them in order and deletes them.
create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key bytea,
    value bytea,
    headers jsonb not null,
    created_at timestamptz not null default now()
);

create function outbox_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('outbox_' || tg_table_schema, '');
    return null;
end $$;

create trigger outbox_inserted after insert on outbox
    for each statement execute function outbox_notify();

-- Events whose effect is in this schema.
create table inbox (
    subscription text not null,
    event_id text not null,
    received_at timestamptz not null default now(),
    primary key (subscription, event_id)
);
create index inbox_received_at on inbox (received_at);
