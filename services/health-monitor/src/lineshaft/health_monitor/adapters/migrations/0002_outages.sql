-- What outages are recognized by: where a connection's calls go, and when it was last heard of.
alter table state
    add column host text not null default '',
    add column down_since timestamptz,
    add column down_fault text,
    add column down_rung text,
    add column heard_ok_at timestamptz,
    add column heard_error_at timestamptz,
    add column outage_mark text not null default '';
create index state_host on state (system, host);
create index state_down on state (system, host) where down_since is not null;
create index state_outage on state (system, host) where outage_mark <> '';

-- One outage of a source, told once for all its connections; `host` is empty for one over several hosts.
create table outage (
    outage_id text primary key,
    system text not null,
    host text not null,
    document jsonb not null,
    opened_at timestamptz not null,
    announced_at timestamptz,
    cleared_at timestamptz,
    resolved_at timestamptz,
    probe_connection_id text
);
create unique index outage_open on outage (system, host) where resolved_at is null;

create view outage_view as
    select outage_id, system, host, document ->> 'fault' as fault,
        (document ->> 'connections')::int as connections, opened_at, announced_at, cleared_at, resolved_at
    from outage;
grant select on outage_view to lineshaft_api;
