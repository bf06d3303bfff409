-- name: lock_states
-- The connections of a batch, in one order for everybody.
select connection_id, document from state
where connection_id = any($1::text[])
order by connection_id
for update;

-- name: add_states
-- Connections heard of for the first time.
insert into state (connection_id)
select connection_id from unnest($1::text[]) as connection_id order by connection_id
on conflict do nothing;

-- name: find_due
-- Connections that time alone changes.
select connection_id from state where due_at <= $1 order by due_at limit $2;

-- name: lock_due_states
-- Those of them that are still due, and that no other replica is at.
select connection_id, document from state
where connection_id = any($1::text[]) and due_at <= $2
order by connection_id
for update skip locked;

-- name: set_aside
-- A connection that cannot be worked now.
update state set due_at = $2 where connection_id = $1;

-- name: save_states
-- What was learnt of a batch of connections.
update state set
    system = new.system,
    status = new.status,
    due_at = new.due_at,
    document = new.document,
    described = coalesce(new.described, state.described),
    last_sync_at = new.last_sync_at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::jsonb[], $7::timestamptz[])
    as new (connection_id, system, status, due_at, document, described, last_sync_at)
where state.connection_id = new.connection_id;

-- name: save_issues
-- Open, change or resolve; what a null verdict would say stays as it was.
insert into issue (
    issue_id, connection_id, fault, status, scope, objects, opened_at, announced_at, first_seen_at,
    last_seen_at, count, resolved_at, verdict
)
select issue_id, connection_id, fault, status, scope, coalesce(verdict -> 'objects', '[]'), opened_at,
    announced_at, first_seen_at, last_seen_at, count, resolved_at, verdict
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::jsonb[]
) as new (
    issue_id, connection_id, fault, status, scope, opened_at, announced_at, first_seen_at, last_seen_at,
    count, resolved_at, verdict
)
on conflict (issue_id) do update set
    status = excluded.status,
    scope = coalesce(excluded.scope, issue.scope),
    objects = case when excluded.verdict is null then issue.objects else excluded.objects end,
    announced_at = excluded.announced_at,
    last_seen_at = excluded.last_seen_at,
    count = excluded.count,
    resolved_at = excluded.resolved_at,
    verdict = coalesce(excluded.verdict, issue.verdict);

-- name: add_timeline
-- Lines of the timeline; one that is there already stays.
insert into timeline (id, connection_id, at, kind, summary, actor, details)
select * from unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::jsonb[]
)
on conflict do nothing;

-- name: add_errors
-- Calls that did not succeed.
insert into error_log (
    event_id, connection_id, at, object, operation, outcome, http_status, code, message, request_id
)
select * from unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
    $9::text[], $10::text[]
)
on conflict do nothing;

-- name: count_states
-- Connections by system and status, those unknown to `connections` left out.
select system, status, count(*) as connections from state where described is not null group by 1, 2;

-- name: forget_timeline
-- Lines older than the retention.
delete from timeline where at < now() - $1::interval;

-- name: forget_errors
-- Errors older than the retention.
delete from error_log where at < now() - $1::interval;

-- name: forget_issues
-- Issues that were over before the retention.
delete from issue where resolved_at < now() - $1::interval;
