-- A connection as far as calls to its source need it; the row of a deleted one stays.
create table connection (
    connection_id text primary key,
    system text not null,
    settings jsonb not null,
    account_id text not null default '',
    lifecycle text not null default 'active',
    revision bigint not null default 0,
    changed_at timestamptz not null default now()
);

-- Secrets of the source. `api` inserts candidates and cannot read them back.
create table credential (
    credential_id text primary key,
    connection_id text not null,
    sealed bytea,
    state text not null default 'candidate'
        check (state in ('candidate', 'active', 'retired', 'refused', 'superseded')),
    version integer,
    account_id text,
    created_at timestamptz not null default now(),
    promoted_at timestamptz,
    ended_at timestamptz,
    check ((state in ('candidate', 'active')) = (sealed is not null)),
    check ((state = 'active') <= (version is not null and promoted_at is not null))
);
create unique index credential_in_force on credential (connection_id) where state = 'active';
create index credential_of_connection on credential (connection_id);
create index credential_candidates on credential (created_at) where state = 'candidate';
grant insert (credential_id, connection_id, sealed) on credential to lineshaft_api;

-- The open session of a credential, shared by all replicas; `login_owner` holds the one login in flight.
create table session (
    credential_id text primary key references credential on delete cascade,
    connection_id text not null,
    sealed bytea,
    generation bigint not null default 0,
    login_owner text,
    login_until timestamptz,
    changed_at timestamptz not null default now()
);

-- May the source be called? `rejected_version` and `not_before` are what our own calls found out,
-- `status` is what the monitor says. `served_at` and `probe_until` are the workers' own.
create table gate (
    connection_id text primary key references connection on delete cascade,
    rejected_version integer not null default 0,
    not_before timestamptz,
    status jsonb,
    status_revision bigint not null default 0,
    served_at timestamptz,
    probe_until timestamptz
);

-- Mapping definitions in force: they say which fields of the source are needed.
create table mapping_definition (
    connection_id text not null,
    entity text not null,
    object text not null,
    version bigint not null,
    effective jsonb not null,
    primary key (connection_id, entity)
);
create index mapping_definition_of_object on mapping_definition (connection_id, object);

-- One stream of records per connection and object: who reads it now, and how far it has been read.
create table stream (
    connection_id text not null references connection on delete cascade,
    object text not null,
    cursor jsonb,
    read_fields text[] not null default '{}',
    lease_epoch bigint not null default 0,
    read_sequence bigint not null default 0,
    lease_owner text,
    lease_until timestamptz,
    primary key (connection_id, object)
);
-- What an object looked like when it was last described, for the account in use.
create table object_schema (
    connection_id text not null references connection on delete cascade,
    object text not null,
    fields jsonb not null,
    credential_version integer not null,
    described_at timestamptz not null default now(),
    primary key (connection_id, object)
);

create index stream_leased on stream (connection_id) where lease_owner is not null;

create table sync (
    sync_id text primary key,
    connection_id text not null references connection on delete cascade,
    system text not null,
    mode text not null check (mode in ('incremental', 'full')),
    objects text[] not null,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz
);
create index sync_of_connection on sync (connection_id, created_at);
create index sync_ended on sync (ended_at);

-- Equal requests that wait are answered by one sync.
create table sync_request (
    connection_id text not null,
    request_id text not null,
    sync_id text not null references sync on delete cascade,
    created_at timestamptz not null default now(),
    primary key (connection_id, request_id)
);
create index sync_request_of_sync on sync_request (sync_id);

create table sync_job (
    sync_id text not null references sync on delete cascade,
    connection_id text not null,
    object text not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'waiting', 'read', 'failed')),
    due_at timestamptz default now(),
    position jsonb,
    attempts integer not null default 0,
    stalls integer not null default 0,
    records bigint not null default 0,
    pages integer not null default 0,
    outcome text,
    message text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    primary key (sync_id, object),
    foreign key (connection_id, object) references stream on delete cascade
);
create index sync_job_due on sync_job (due_at) where ended_at is null;
create index sync_job_open on sync_job (connection_id, object) where ended_at is null;

-- Commands that need a call to the source; workers take them one by one.
create table command_job (
    command_id text primary key,
    kind text not null check (kind in ('authorize', 'write', 'probe')),
    connection_id text not null,
    payload jsonb not null,
    traceparent text,
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    lease_owner text,
    lease_until timestamptz,
    called_at timestamptz,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);
create index command_job_due on command_job (due_at) where ended_at is null;
create index command_job_ended on command_job (ended_at);

create view schema_view as
select connection_id, object, fields, described_at from object_schema;
grant select on schema_view to lineshaft_api;

create view sync_view as
select
    s.sync_id,
    s.connection_id,
    r.request_id,
    s.mode,
    case
        when s.ended_at is not null then case when j.any_read then 'read' else 'failed' end
        when j.any_running then 'running'
        when j.any_waiting then 'waiting'
        when s.started_at is not null then 'running'
        else 'queued'
    end as status,
    j.objects,
    s.created_at,
    s.ended_at
from sync s
left join sync_request r using (sync_id)
cross join lateral (
    select
        bool_or(state = 'read') as any_read,
        bool_or(state = 'running') as any_running,
        bool_or(state = 'waiting') as any_waiting,
        jsonb_agg(
            jsonb_build_object(
                'object', object,
                'status', state,
                'records', records,
                'pages', pages,
                'outcome', outcome,
                'message', message
            )
            order by object
        ) as objects
    from sync_job
    where sync_job.sync_id = s.sync_id
) j;
grant select on sync_view to lineshaft_api;
