-- What an endpoint is, as `webhook-endpoints` tells it; `disabled_at` is set by its own answers.
create table endpoint (
    endpoint_id text primary key,
    url text not null,
    event_types text[] not null,
    connection_ids text[] not null,
    enabled boolean not null,
    deleted boolean not null,
    revision bigint not null,
    known_since timestamptz not null,
    changed_at timestamptz not null,
    disabled_at timestamptz,
    disabled_reason text
);

-- Signing secrets, sealed; another service may add them and never read them.
create table webhook_secret (
    secret_id text primary key,
    endpoint_id text not null,
    sealed bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz
);
create index webhook_secret_endpoint on webhook_secret (endpoint_id);
grant insert (secret_id, endpoint_id, sealed) on webhook_secret to lineshaft_api;

create table connection (
    connection_id text primary key,
    system text not null,
    metadata jsonb not null,
    revision bigint not null
);

-- What there is to tell, once per event, whoever wants it.
create table event (
    event_id text primary key,
    event_type text not null,
    connection_id text,
    at timestamptz not null,
    data jsonb not null
);
create index event_at on event (at);

-- One event to one endpoint. `due_at` is `next_attempt_at`, or later while a sender has it on lease.
create table delivery (
    delivery_id text primary key,
    webhook_id text not null,
    endpoint_id text not null,
    event_id text not null references event (event_id) on delete cascade,
    event_type text not null,
    connection_id text,
    state text not null default 'due',
    attempts int not null default 0,
    tries int not null default 0,
    deferrals int not null default 0,
    first_tried_at timestamptz,
    created_at timestamptz not null default now(),
    next_attempt_at timestamptz,
    due_at timestamptz,
    lease_epoch int not null default 0,
    delivered_at timestamptz,
    last_status int,
    last_error text,
    unique (endpoint_id, event_id)
);
create index delivery_due on delivery (endpoint_id, due_at) where state = 'due';
create index delivery_due_at on delivery (due_at) where state = 'due';
create index delivery_event on delivery (event_id);
create index delivery_endpoint on delivery (endpoint_id, created_at);

create table attempt (
    delivery_id text not null references delivery (delivery_id) on delete cascade,
    number int not null,
    at timestamptz not null,
    duration_ms double precision not null,
    status int,
    error text,
    response_body text not null,
    primary key (delivery_id, number)
);

create function delivery_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('delivery_' || tg_table_schema, '');
    return null;
end $$;
create trigger delivery_inserted after insert on delivery
    for each statement execute function delivery_notify();

create view delivery_view as
    select delivery_id, endpoint_id, connection_id, event_type, event_id, state, attempts, created_at,
        next_attempt_at, delivered_at, last_status, last_error
    from delivery;
create view attempt_view as
    select delivery_id, number, at, duration_ms, status, error, response_body from attempt;
create view endpoint_state_view as
    select endpoint_id, disabled_at, disabled_reason from endpoint;
grant select on delivery_view, attempt_view, endpoint_state_view to lineshaft_api;
