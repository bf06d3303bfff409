-- Admin keys and connection tokens. Only their SHA-256 is here.
create table api_key (
    key_hash bytea primary key,
    key_id text not null unique,
    kind text not null check (kind in ('admin', 'connection')),
    connection_id text,
    label text not null default '',
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    check ((kind = 'connection') = (connection_id is not null))
);
create index api_key_connection on api_key (connection_id) where connection_id is not null;

-- A deleted connection stays as a tombstone of its id.
create table connection (
    connection_id text primary key,
    system text not null,
    label text not null default '',
    lifecycle text not null check (lifecycle in ('active', 'paused', 'disconnected', 'deleted')),
    settings jsonb not null,
    -- the part of the credentials that is no secret, so that a reconnect asks for the secret only
    login jsonb not null,
    metadata jsonb not null,
    -- where the customer went after connecting; a reconnect ends there too
    redirect_url text,
    account_id text not null default '',
    account_label text not null default '',
    credential_version int not null,
    revision int not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    changed_by text not null default ''
);

-- One customer's visit. The address of its page is a capability: only the hash of it is here.
create table link_session (
    session_id text primary key,
    capability_hash bytea not null unique,
    connection_id text not null,
    system text not null,
    reauthorizes boolean not null,
    settings jsonb not null,
    login jsonb not null,
    label text not null default '',
    metadata jsonb not null,
    redirect_url text,
    created_at timestamptz not null default now(),
    created_by text not null default '',
    expires_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'verifying', 'completed')),
    attempts int not null default 0,
    command_id text,
    submitted_at timestamptz,
    code_hash bytea unique,
    code_sealed bytea,
    code_expires_at timestamptz,
    exchanged_at timestamptz
);
create index link_session_expires on link_session (expires_at);

-- What other services were asked to do, and what became of it. Any replica may have asked or heard.
create table command (
    command_id text primary key,
    kind text not null check (kind in ('authorize', 'write', 'endpoint_test', 'redelivery')),
    connection_id text,
    session_id text,
    request jsonb not null,
    idempotency_key text,
    request_hash text,
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    result jsonb,
    problem jsonb
);
create unique index command_idempotency on command (connection_id, idempotency_key)
    where idempotency_key is not null;
create index command_created on command (created_at);

create function command_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('command_' || tg_table_schema, new.command_id);
    return null;
end $$;
create trigger command_completed after update on command
    for each row when (old.completed_at is null and new.completed_at is not null)
    execute function command_notify();

-- The customer's changes to the default mapping; version 1 is the default itself and has no row.
create table mapping_version (
    connection_id text not null,
    entity text not null,
    version int not null check (version > 1),
    overlay jsonb not null,
    effective jsonb not null,
    comment text not null default '',
    created_at timestamptz not null default now(),
    created_by text not null,
    primary key (connection_id, entity, version)
);

create table webhook_endpoint (
    endpoint_id text primary key,
    url text not null,
    description text not null default '',
    event_types jsonb not null,
    connection_ids jsonb not null,
    enabled boolean not null default true,
    deleted boolean not null default false,
    revision int not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);
