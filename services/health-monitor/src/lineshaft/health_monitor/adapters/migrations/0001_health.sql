-- All that is remembered of a connection; `due_at` is when time alone will change it.
create table state (
    connection_id text primary key,
    system text not null default '',
    status text not null default 'pending',
    due_at timestamptz,
    document jsonb not null default '{}',
    described jsonb,
    last_sync_at timestamptz
);
create index state_due_at on state (due_at) where due_at is not null;

create table issue (
    issue_id text primary key,
    connection_id text not null,
    fault text not null,
    status text not null,
    scope text,
    objects jsonb not null default '[]',
    opened_at timestamptz not null,
    announced_at timestamptz,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    count bigint not null,
    resolved_at timestamptz,
    verdict jsonb
);
create unique index issue_open on issue (connection_id, fault) where resolved_at is null;
create index issue_connection on issue (connection_id, opened_at);

create table timeline (
    id text primary key,
    connection_id text not null,
    at timestamptz not null,
    kind text not null,
    summary text not null,
    actor text not null,
    details jsonb not null
);
create index timeline_connection on timeline (connection_id, at, id);
create index timeline_at on timeline (at);

create table error_log (
    event_id text primary key,
    connection_id text not null,
    at timestamptz not null,
    object text,
    operation text not null,
    outcome text not null,
    http_status int,
    code text,
    message text,
    request_id text not null
);
create index error_log_connection on error_log (connection_id, at);
create index error_log_at on error_log (at);

create view status_view as
    select connection_id, described as document, last_sync_at from state where described is not null;
create view issue_view as
    select connection_id, issue_id, fault, status, scope, objects, opened_at, first_seen_at, last_seen_at,
        count, resolved_at, verdict
    from issue;
create view timeline_view as
    select connection_id, id, at, kind, summary, actor, details from timeline;
create view error_view as
    select connection_id, event_id, at, object, operation, outcome, http_status, code, message, request_id
    from error_log;
grant select on status_view, issue_view, timeline_view, error_view to lineshaft_api;
