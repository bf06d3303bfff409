-- Where people are told; the address with its secret is in a table of `notifier`, here is its redacted form.
create table alert_channel (
    channel_id text primary key,
    name text not null,
    address text not null,
    event_types jsonb not null,
    urgent_event_types jsonb not null,
    systems jsonb not null,
    connection_ids jsonb not null,
    metadata jsonb not null,
    quiet_hours jsonb,
    group_seconds double precision not null,
    enabled boolean not null default true,
    deleted boolean not null default false,
    revision int not null default 1,
    created_at timestamptz not null,
    changed_at timestamptz not null
);
