-- What an alert channel is, as `alert-channels` tells it.
create table alert_channel (
    channel_id text primary key,
    event_types text[] not null,
    urgent_event_types text[] not null,
    systems text[] not null,
    connection_ids text[] not null,
    metadata jsonb not null,
    quiet_hours jsonb,
    group_seconds double precision not null,
    enabled boolean not null,
    deleted boolean not null,
    revision bigint not null
);

-- Where a channel leads to, sealed; another service may add it and never read it. The newest counts.
create table alert_secret (
    secret_id text primary key,
    channel_id text not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    key_id text generated always as
        (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored
);
create index alert_secret_channel on alert_secret (channel_id, created_at);
create index alert_secret_key on alert_secret (key_id, secret_id);
grant insert (secret_id, channel_id, sealed) on alert_secret to lineshaft_api;

create or replace view key_usage_view as
select 'webhook_secret' as table_name, key_id, count(*) as rows from webhook_secret group by key_id
union all
select 'alert_secret' as table_name, key_id, count(*) as rows from alert_secret group by key_id;

-- What one channel is sent at once.
create table alert_message (
    message_id text primary key,
    channel_id text not null,
    state text not null default 'due',
    attempts int not null default 0,
    first_tried_at timestamptz,
    created_at timestamptz not null,
    due_at timestamptz,
    lease_epoch int not null default 0,
    delivered_at timestamptz,
    last_error text
);
create index alert_message_due on alert_message (due_at) where state = 'due';
create index alert_message_channel on alert_message (channel_id, created_at);

-- One event for one channel. What has one `group_key` comes in one message, made when `due_at` has come.
create table alert (
    channel_id text not null,
    event_id text not null,
    event_type text not null,
    connection_id text,
    at timestamptz not null,
    data jsonb not null,
    group_key text not null,
    due_at timestamptz not null,
    message_id text references alert_message (message_id) on delete cascade,
    primary key (channel_id, event_id)
);
create index alert_waiting on alert (due_at) where message_id is null;
create index alert_group on alert (channel_id, group_key) where message_id is null;
create index alert_message_id on alert (message_id);
create index alert_connection on alert (connection_id);

create view alert_message_view as
    select message_id, channel_id, state, attempts, created_at, due_at as next_attempt_at, delivered_at,
        last_error,
        (select count(*) from alert where alert.message_id = alert_message.message_id) as alerts,
        coalesce((
            select jsonb_object_agg(event_type, number) from (
                select event_type, count(*) as number from alert
                where alert.message_id = alert_message.message_id group by event_type
            ) as counted
        ), '{}') as event_types
    from alert_message;
create view alert_waiting_view as
    select channel_id, count(*) as waiting, min(due_at) as next_message_at
    from alert where message_id is null group by channel_id;
grant select on alert_message_view, alert_waiting_view to lineshaft_api;
