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
    last_sync_at = new.last_sync_at,
    host = new.host,
    down_since = new.down_since,
    down_fault = new.down_fault,
    down_rung = new.down_rung,
    heard_ok_at = new.heard_ok_at,
    heard_error_at = new.heard_error_at,
    outage_mark = new.outage_mark,
    rejected_since = new.rejected_since
from unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::jsonb[], $7::timestamptz[],
    $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[],
    $14::text[], $15::timestamptz[]
) as new (
    connection_id, system, status, due_at, document, described, last_sync_at, host, down_since, down_fault,
    down_rung, heard_ok_at, heard_error_at, outage_mark, rejected_since
)
where state.connection_id = new.connection_id;

-- name: save_issues
-- Open, change or resolve; what a null verdict would say stays as it was.
insert into issue (
    issue_id, connection_id, fault, status, scope, objects, opened_at, announced_at, first_seen_at,
    last_seen_at, count, resolved_at, verdict, muted_until
)
select issue_id, connection_id, fault, status, scope, coalesce(verdict -> 'objects', '[]'), opened_at,
    announced_at, first_seen_at, last_seen_at, count, resolved_at, verdict, muted_until
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::jsonb[],
    $13::timestamptz[]
) as new (
    issue_id, connection_id, fault, status, scope, opened_at, announced_at, first_seen_at, last_seen_at,
    count, resolved_at, verdict, muted_until
)
on conflict (issue_id) do update set
    status = excluded.status,
    scope = coalesce(excluded.scope, issue.scope),
    objects = case when excluded.verdict is null then issue.objects else excluded.objects end,
    announced_at = excluded.announced_at,
    last_seen_at = excluded.last_seen_at,
    count = excluded.count,
    resolved_at = excluded.resolved_at,
    muted_until = excluded.muted_until,
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

-- name: save_ladders
-- The last one of each connection stays.
insert into ladder (connection_id, at, document)
select * from unnest($1::text[], $2::timestamptz[], $3::jsonb[])
on conflict (connection_id) do update set at = excluded.at, document = excluded.document
where ladder.at <= excluded.at;

-- name: refusing_systems
-- Systems of which several connections were refused within ten minutes of each other, of the last ones.
select distinct system from (
    select system,
        count(*) over (
            partition by system order by rejected_since
            range between interval '10 minutes' preceding and current row
        ) as at_once
    from state
    where system = any($1::text[]) and rejected_since > $2
) as refusals
where at_once >= $3;

-- name: count_states
-- Connections by system and status, those unknown to `connections` left out.
select system, status, count(*) as connections from state where described is not null group by 1, 2;

-- name: count_ages
-- Connections by system and age of their last completed sync; the deliberately idle ones left out.
select
    system,
    case
        when last_sync_at is null then 'never'
        when last_sync_at > now() - interval '1 hour' then 'hour'
        when last_sync_at > now() - interval '1 day' then 'day'
        when last_sync_at > now() - interval '7 days' then 'week'
        else 'older'
    end as age,
    count(*) as connections
from state where described is not null and status not in ('paused', 'disconnected') group by 1, 2;

-- name: count_issues
-- Open issues by system and fault.
select system, fault, count(*) as issues
from issue join state using (connection_id) where resolved_at is null group by 1, 2;

-- name: oldest_reauthorizations
-- Per system, for how many seconds the connection that waits longest for new credentials has done so.
select system, extract(epoch from now() - min(opened_at))::float as seconds
from issue join state using (connection_id)
where resolved_at is null and fault = 'credentials' group by 1;

-- name: count_breakers
-- Breakers that are not closed, of whole connections and of objects. A healthy connection has none: its
-- document is not looked into.
select system, scope, sum(coalesce(breakers, 0))::float as breakers
from state cross join lateral (values
    ('connection', case when status <> 'healthy' then (described -> 'breaker' ->> 'state' <> 'closed')::int end),
    ('object', case when status <> 'healthy' then jsonb_array_length(described -> 'breaker' -> 'scopes') end)
) as counted (scope, breakers)
where described is not null group by 1, 2;

-- name: forget_timeline
-- Lines older than the retention.
delete from timeline where at < now() - $1::interval;

-- name: forget_errors
-- Errors older than the retention.
delete from error_log where at < now() - $1::interval;

-- name: forget_issues
-- Issues that were over before the retention.
delete from issue where resolved_at < now() - $1::interval;

-- name: outages_lock
-- One replica at a time looks for outages.
select pg_try_advisory_xact_lock(hashtext(current_schema() || '.outages'));

-- name: groups
-- What is known of each host, and of each system (`host` null), that has a connection down or an outage open.
with touched as (
    select distinct system from state where down_since is not null
    union
    select system from outage where resolved_at is null
), member as (
    select system, host, down_since, down_fault, down_rung, heard_ok_at, heard_error_at,
        min(down_since) over (partition by system, host) as host_since
    from state join touched using (system)
    where described is not null and status not in ('paused', 'disconnected', 'reauthorization_required')
)
select system, host,
    count(down_since) as down,
    count(*) filter (
        where heard_ok_at > $1 and heard_ok_at > coalesce(host_since, '-infinity')
            and heard_ok_at > coalesce(heard_error_at, '-infinity')
    ) as working,
    min(down_since) as since,
    max(heard_ok_at) as ok_at,
    max(heard_error_at) as error_at,
    mode() within group (order by down_fault) as fault,
    mode() within group (order by down_rung) as rung
from member
group by grouping sets ((system, host), (system));

-- name: all_together
-- What is known of the connections of all systems since hosts ($2 make an outage) went out of reach together.
with active as not materialized (
    select system, host, down_since, down_fault, down_rung, heard_ok_at, heard_error_at
    from state
    where described is not null and status not in ('paused', 'disconnected', 'reauthorization_required')
), down as (
    select system, host, down_since, down_rung from active where down_since >= $1 and down_fault = 'network'
), last_hosts as (
    select min(down_since) as since from down group by system, host order by 1 desc limit $2
), together as (
    select min(since) as since from last_hosts
)
select count(*) as down, count(distinct (system, host)) as hosts, count(distinct system) as systems,
    min(down_since) as since,
    mode() within group (order by down_rung) as rung,
    (select since from together) as together_since,
    case when count(*) = 0 then 0 else (
        select count(*) from active
        where heard_ok_at > (select since from together)
            and heard_ok_at > coalesce(heard_error_at, '-infinity')
    ) end as working
from down;

-- name: open_outages
-- Those that are not over.
select document, probe_connection_id from outage where resolved_at is null;

-- name: save_outage
-- Recognized, changed or over.
insert into outage (
    outage_id, system, host, document, opened_at, announced_at, cleared_at, resolved_at, probe_connection_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (outage_id) do update set
    document = excluded.document,
    announced_at = excluded.announced_at,
    cleared_at = excluded.cleared_at,
    resolved_at = excluded.resolved_at,
    probe_connection_id = excluded.probe_connection_id;

-- name: probe_candidate
-- A connection of a host to probe it with, another one than the last time if there is one.
select connection_id from state
where system = $1 and host = $2 and described is not null
    and status not in ('paused', 'disconnected', 'reauthorization_required', 'rate_limited')
order by (connection_id = $3) nulls first, (down_since is null), random()
limit 1;

-- name: down_connections
-- Connections that are out of reach, of one host, of the whole system or of all.
select connection_id from state
where ($1 = '' or system = $1) and ($2 = '' or host = $2) and down_since is not null
    and ($1 <> '' or down_fault = 'network')
order by connection_id limit $3;

-- name: wake_members
-- Connections that have not taken notice of what became of the outage of their source.
with stale as (
    select connection_id from state
    where ($1 = '' or system = $1) and outage_mark <> $3
        and (
            host = $2
            or ($2 = '' and down_since is not null and not (host = any($5::text[]) or system = any($6::text[])))
        )
        and described is not null and status not in ('paused', 'disconnected')
        and (due_at is null or due_at > $4)
    order by connection_id
    limit 2000
    for update skip locked
)
update state set due_at = $4 from stale where state.connection_id = stale.connection_id;

-- name: wake_left_behind
-- Connections that still count on an outage that is over.
with stale as (
    select connection_id from state
    where outage_mark <> '' and (due_at is null or due_at > $1)
        and not exists (
            select from outage
            where (outage.system = state.system or outage.system = '')
                and (outage.host = state.host or outage.host = '')
                and resolved_at is null
        )
    order by connection_id
    limit 2000
    for update skip locked
)
update state set due_at = $1 from stale where state.connection_id = stale.connection_id;

-- name: forget_outages
-- Outages that were over before the retention.
delete from outage where resolved_at < now() - $1::interval;

-- name: purge_issue
delete from issue where connection_id = $1;

-- name: purge_timeline
delete from timeline where connection_id = $1;

-- name: purge_error_log
delete from error_log where connection_id = $1;

-- name: purge_ladder
delete from ladder where connection_id = $1;

-- name: purge_state
-- The row stays, so that what comes late is known to be late.
update state set described = null, last_sync_at = null, due_at = null where connection_id = $1;
