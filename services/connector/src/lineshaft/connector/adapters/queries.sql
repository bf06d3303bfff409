-- Connections

-- name: connection_authorize
-- What a verified authorization says of the connection, new or known.
insert into connection (connection_id, system, settings, account_id)
values ($1, $2, $3, $4)
on conflict (connection_id) do update
set system = excluded.system, settings = excluded.settings, account_id = excluded.account_id,
    changed_at = now()
where connection.lifecycle <> 'deleted'
returning lifecycle;

-- name: connection_describe
-- The latest description; false where it is stale or the connection was deleted.
insert into connection (connection_id, system, settings, account_id, lifecycle, revision, objects)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (connection_id) do update
set system = excluded.system, settings = excluded.settings,
    account_id = coalesce(nullif(excluded.account_id, ''), connection.account_id),
    lifecycle = excluded.lifecycle, revision = excluded.revision, objects = excluded.objects,
    changed_at = now()
where connection.revision < excluded.revision and connection.lifecycle <> 'deleted'
returning true;

-- name: connection_get
-- One connection that was not deleted.
select connection_id, system, settings, account_id, lifecycle, objects
from connection
where connection_id = $1 and lifecycle <> 'deleted';

-- name: connection_bury
-- Of a purged connection only that it was.
insert into connection (connection_id, system, settings, lifecycle)
values ($1, '', '{}', 'deleted')
on conflict (connection_id) do update set settings = '{}', account_id = '', lifecycle = 'deleted', changed_at = now();

-- name: purge_credential
-- Sessions go with them.
delete from credential where connection_id = $1;

-- name: purge_mapping_definition
delete from mapping_definition where connection_id = $1;

-- name: purge_sync
-- Jobs and requests go with them.
delete from sync where connection_id = $1;

-- name: purge_stream
delete from stream where connection_id = $1;

-- name: purge_object_schema
delete from object_schema where connection_id = $1;

-- name: purge_schedule
delete from schedule where connection_id = $1;

-- name: purge_gate
delete from gate where connection_id = $1;

-- name: purge_command_job
delete from command_job where connection_id = $1;

-- name: purge_drift_policy
delete from drift_policy where connection_id = $1;

-- name: purge_network
delete from network where connection_id = $1;

-- name: purge_budget
delete from budget where connection_id = $1;

-- Credentials

-- name: credential_candidate
-- A candidate to verify.
select sealed, created_at
from credential
where credential_id = $1 and connection_id = $2 and state = 'candidate';

-- name: credential_in_force
-- The credentials in force, with what is needed to use them.
select k.credential_id, k.version, k.sealed, k.promoted_at, c.system, c.settings, c.account_id
from credential k
join connection c using (connection_id)
where k.connection_id = $1 and k.state = 'active' and c.lifecycle <> 'deleted';

-- name: oauth_client
-- The client that the operator has registered with a system.
select registration_id, client_id, sealed
from oauth_client
where system = $1
order by created_at desc, registration_id desc
limit 1;

-- name: oauth_clients_forget
-- Registrations that later ones have replaced.
delete from oauth_client old using oauth_client later
where old.system = later.system
    and (old.created_at, old.registration_id) < (later.created_at, later.registration_id);

-- name: credential_turn
-- Promotions of one connection go one after the other, also before it has any row.
select pg_advisory_xact_lock(hashtextextended('credential/' || $1, 0));

-- name: credential_lock_in_force
-- Locks the credentials in force, so that two promotions go one after the other.
select credential_id, version, promoted_at
from credential
where connection_id = $1 and state = 'active'
for update;

-- name: credential_retire
-- Replaced credentials lose their secret and their session.
with gone as (delete from session where credential_id = $2)
update credential
set state = 'retired', sealed = null, ended_at = now()
where connection_id = $1 and credential_id = $2;

-- name: credential_promote
-- A verified candidate comes into force, under a higher version than all before it.
update credential
set state = 'active', account_id = $3, promoted_at = clock_timestamp(),
    version = 1 + coalesce((select max(version) from credential where connection_id = $1), 0)
where connection_id = $1 and credential_id = $2 and state = 'candidate'
returning version;

-- name: credential_forget
-- Of a connection that was ended: what was in force then loses its secret and its session.
with ended as (
    update credential
    set state = 'retired', sealed = null, ended_at = now()
    where connection_id = $1 and state = 'active' and version <= $2
    returning credential_id
)
delete from session using ended where session.credential_id = ended.credential_id;

-- name: credential_drop
-- A candidate that did not come into force loses its secret.
update credential
set state = $3, sealed = null, ended_at = now()
where connection_id = $1 and credential_id = $2 and state = 'candidate';

-- name: credential_drop_forgotten
-- Candidates whose command never came.
update credential
set state = 'superseded', sealed = null, ended_at = now()
where state = 'candidate' and created_at < now() - $1::interval;

-- name: forget_late_credentials
-- Candidates of connections that were purged while their customer filled in the form.
delete from credential using tombstone where credential.connection_id = tombstone.connection_id;

-- Sessions

-- name: session_open
-- The session in use.
select sealed, generation from session where credential_id = $1 and connection_id = $2 and sealed is not null;

-- name: session_claim
-- The right to log in, for one process at a time, where no session is later than generation $4.
insert into session (credential_id, connection_id, login_owner, login_until)
select credential_id, connection_id, $3, now() + $5::interval
from credential
where credential_id = $1 and connection_id = $2 and state = 'active'
on conflict (credential_id) do update
set login_owner = excluded.login_owner, login_until = excluded.login_until
where session.generation <= $4 and (session.login_until is null or session.login_until < now())
returning true;

-- name: session_store
-- The session that this login has opened, in place of generation $4; a claim of somebody else stays.
update session
set sealed = $5, generation = generation + 1, changed_at = now(),
    login_owner = case when login_owner = $3 then null else login_owner end,
    login_until = case when login_owner = $3 then null else login_until end
where credential_id = $1 and connection_id = $2 and generation = $4
returning generation;

-- name: session_last
-- What a login goes on from.
select sealed, generation from session where credential_id = $1 and connection_id = $2;

-- name: session_release
-- The login of this owner is over.
update session
set login_owner = null, login_until = null
where credential_id = $1 and connection_id = $2 and login_owner = $3;

-- name: session_save
-- The session that verified a candidate, kept for its first use.
insert into session (credential_id, connection_id, sealed, generation)
values ($1, $2, $3, 1)
on conflict (credential_id) do update
set sealed = excluded.sealed, generation = session.generation + 1, changed_at = now();

-- Networks and budgets

-- name: network
-- How the source is reached.
select network_id, sealed, ca_certificate, requests_per_minute, private_networks
from network
where connection_id = $1
order by created_at desc, network_id desc
limit 1;

-- name: networks_forget
-- What later rows have replaced, and what was set for customers who never connected.
delete from network old
where exists (
    select from network later
    where later.connection_id = old.connection_id
        and (later.created_at, later.network_id) > (old.created_at, old.network_id)
)
or (
    old.created_at < now() - $1::interval
    and not exists (select from connection c where c.connection_id = old.connection_id)
);

-- name: budgets_forget
-- Of connections that were deleted while somebody still read.
delete from budget
where not exists (
    select from connection c where c.connection_id = budget.connection_id and c.lifecycle <> 'deleted'
);

-- name: budget_take
-- A lot of $4 requests, where there are so many; the bucket holds $2 and gets $3 a second.
insert into budget as b (connection_id, tokens, filled_at)
values ($1, $2::float8 - $4::float8, clock_timestamp())
on conflict (connection_id) do update
set tokens = least($2, b.tokens + $3::float8 * greatest(0, extract(epoch from clock_timestamp() - b.filled_at))) - $4,
    filled_at = greatest(b.filled_at, clock_timestamp())
where least($2, b.tokens + $3 * greatest(0, extract(epoch from clock_timestamp() - b.filled_at))) >= $4
returning tokens;

-- name: budget_filled
-- How many requests there are in the bucket.
select least($2::float8, tokens + $3::float8 * greatest(0, extract(epoch from clock_timestamp() - filled_at)))
from budget
where connection_id = $1;

-- Gate

-- name: gate_make
-- Every connection has a gate.
insert into gate (connection_id) values ($1) on conflict do nothing;

-- name: gate_standing
-- Everything that decides whether the source may be called.
select c.lifecycle, coalesce(k.version, 0) as version, g.rejected_version, g.not_before, g.status
from connection c
join gate g using (connection_id)
left join credential k on k.connection_id = c.connection_id and k.state = 'active'
where c.connection_id = $1;

-- name: gate_lock
-- Changes of a gate go one after the other, and after leases that are being given.
select true from gate where connection_id = $1 for update;

-- name: gate_reject
-- These credentials were refused; nothing where somebody said so before.
update gate
set rejected_version = $2
where connection_id = $1 and rejected_version < $2
returning true;

-- name: gate_accept
-- Credentials that were refused, and work now.
update gate set rejected_version = 0 where connection_id = $1 and rejected_version = $2;

-- name: gate_hold
-- No calls before this moment.
update gate
set not_before = greatest(not_before, $2)
where connection_id = $1;

-- name: gate_open
-- New credentials: what is known of the source's patience with the old ones counts no more.
update gate set not_before = null, probe_until = null where connection_id = $1;

-- name: gate_status
-- What the monitor says; nothing where it is older than what we have.
update gate
set status = $2, status_revision = $3, probe_until = null
where connection_id = $1 and status_revision < $3
returning true;

-- Mapping definitions

-- name: mapping_change
-- The latest definition of one entity, and what it takes the place of.
with before as (
    select object, version from mapping_definition where connection_id = $1 and entity = $2
)
insert into mapping_definition (connection_id, entity, object, version, effective)
select $1, $2, $3, $4, $5
where not exists (select from connection where connection_id = $1 and lifecycle = 'deleted')
on conflict (connection_id, entity) do update
set object = excluded.object, version = excluded.version, effective = excluded.effective
where mapping_definition.version < excluded.version
returning (select object from before) as object_before, (select version from before) as version_before;

-- name: mapping_of_object
-- Definitions that read from one object.
select entity, effective from mapping_definition where connection_id = $1 and object = $2;

-- name: mapping_custom_objects
-- The connection's own objects, with what their definitions say of the source.
select object, effective
from mapping_definition
where connection_id = $1 and entity like 'custom:%' and object <> ''
order by entity;

-- name: mapping_custom_versions
-- Custom objects that are made from one object.
select entity, version
from mapping_definition
where connection_id = $1 and object = $2 and entity like 'custom:%'
order by entity;

-- name: stream_columns
-- What the last complete read of an object asked for; null where there was none.
select columns from stream where connection_id = $1 and object = $2;

-- name: stream_read_fields
-- Mapped fields that the last complete read of each object had.
select object, read_fields from stream where connection_id = $1;

-- name: mapping_objects
-- Which objects this connection's mappings read.
select entity, object from mapping_definition where connection_id = $1 and object <> '';

-- Schemas

-- name: schema_get
-- A description that is fresh enough and was made with these credentials.
select s.fields, s.changes, coalesce(p.policy, 'offer') as policy
from object_schema s
left join drift_policy p using (connection_id, object)
where s.connection_id = $1 and s.object = $2 and s.credential_version = $3
    and s.described_at > now() - $4::interval;

-- name: schema_add
-- The first description is what the object is accepted to be; none of a connection that was deleted meanwhile.
insert into object_schema (connection_id, object, fields, accepted, credential_version)
select connection_id, $2, $3, $3, $4 from connection
where connection_id = $1 and lifecycle <> 'deleted'
for share
on conflict do nothing;

-- name: schema_lock
-- The description before this one, and what the object is accepted to be.
select s.fields, coalesce(s.accepted, s.fields) as accepted, coalesce(p.policy, 'offer') as policy
from object_schema s
left join drift_policy p using (connection_id, object)
where s.connection_id = $1 and s.object = $2
for update of s;

-- name: schema_put
-- The newest description.
update object_schema
set fields = $3, credential_version = $4, accepted = $5, changes = $6, changed_at = coalesce($7, changed_at),
    described_at = now()
where connection_id = $1 and object = $2;

-- name: schema_accept
-- What is open is so from now on.
update object_schema n
set accepted = n.fields, changes = '[]'
from object_schema o
where n.connection_id = $1 and n.object = $2
    and o.connection_id = n.connection_id and o.object = n.object
returning jsonb_array_length(o.changes);

-- name: stream_forget_fields
-- Fields that the object no longer has are not missed.
update stream t
set read_fields = array(
    select name
    from unnest(t.read_fields) as name
    where split_part(name, '.', 1) in (
        select field ->> 'name' from jsonb_array_elements(s.fields) as field
    )
)
from object_schema s
where t.connection_id = $1 and t.object = $2 and s.connection_id = $1 and s.object = $2;

-- name: drift_policy_set
-- What follows when this object changes.
insert into drift_policy (connection_id, object, policy, changed_by)
select connection_id, $2, $3, $4 from connection where connection_id = $1 and lifecycle <> 'deleted'
on conflict (connection_id, object) do update
set policy = excluded.policy, changed_by = excluded.changed_by, changed_at = now()
returning true;

-- name: schema_doubt
-- A call failed in a way that the description should have foretold.
update object_schema set described_at = '-infinity' where connection_id = $1 and object = $2;

-- Syncs

-- name: sync_pending
-- A sync that has not begun and reads at least what is asked for.
select sync_id
from sync
where connection_id = $1 and objects @> $2::text[] and (mode = 'full' or mode = $3)
    and started_at is null and ended_at is null
order by created_at
limit 1
for update;

-- name: sync_known
-- The sync of a request that was made before.
select sync_id from sync_request where connection_id = $1 and request_id = $2;

-- name: sync_ask
-- Remembers which sync answers a request.
insert into sync_request (connection_id, request_id, sync_id, requested_by) values ($1, $2, $3, $4)
on conflict do nothing;

-- name: sync_requesters
-- Who asked for a sync, each once.
select distinct requested_by from sync_request where sync_id = $1 and requested_by <> '' order by 1;

-- name: sync_add
-- A new sync.
insert into sync (sync_id, connection_id, system, mode, objects, traceparent)
values ($1, $2, $3, $4, $5::text[], $6);

-- name: stream_add
-- Streams of these objects, where they are new.
insert into stream (connection_id, object) select $1, unnest($2::text[]) on conflict do nothing;

-- name: stream_after_write
-- A place in the order of reads behind all that is being read now, and before what is read next.
insert into stream (connection_id, object)
select connection_id, $2 from connection where connection_id = $1 and lifecycle <> 'deleted' for share
on conflict (connection_id, object) do update set object = excluded.object
returning lease_epoch + 1;

-- name: job_add
-- One job per object.
insert into sync_job (sync_id, connection_id, object) select $1, $2, unnest($3::text[]);

-- name: job_pick
-- Of the jobs that have been due longest, on free streams of connections with a free place, the one whose
-- connection was served longest ago, locked.
with due as materialized (
    select j.sync_id, j.object
    from sync_job j
    join connection c on c.connection_id = j.connection_id
    join stream s on s.connection_id = j.connection_id and s.object = j.object
    where j.ended_at is null and j.due_at <= now()
        and (s.lease_until is null or s.lease_until < now())
        and (
            select count(*)
            from stream o
            where o.connection_id = j.connection_id and o.lease_owner is not null and o.lease_until >= now()
        ) < coalesce(($1::jsonb ->> c.system)::integer, 1)
    order by j.due_at
    limit 100
)
select
    j.sync_id, j.connection_id, j.object, j.state, j.position, j.attempts, j.stalls,
    y.mode, y.objects, y.created_at as sync_created_at, y.started_at as sync_started_at, y.traceparent,
    s.cursor, s.read_fields, s.lease_epoch, s.read_sequence,
    c.system, c.lifecycle, g.rejected_version, g.not_before, g.status, g.probe_until,
    coalesce((select version from credential k where k.connection_id = j.connection_id and k.state = 'active'), 0)
        as version
from due
join sync_job j on j.sync_id = due.sync_id and j.object = due.object
join sync y on y.sync_id = j.sync_id
join stream s on s.connection_id = j.connection_id and s.object = j.object
join connection c on c.connection_id = j.connection_id
join gate g on g.connection_id = j.connection_id
where j.ended_at is null and j.due_at <= now() and (s.lease_until is null or s.lease_until < now())
order by g.served_at nulls first, j.created_at, j.sync_id, j.object
limit 1
for update of j, s, g skip locked;

-- name: job_lease
-- The stream is this owner's until the lease ends or is renewed.
with leased as (
    update stream
    set lease_epoch = lease_epoch + 1, lease_owner = $4, lease_until = now() + $5::interval
    where connection_id = $2 and object = $3
    returning lease_epoch
),
served as (
    update gate
    set served_at = clock_timestamp(),
        probe_until = case when $6 then now() + $5::interval else probe_until end
    where connection_id = $2
),
begun as (
    update sync
    set started_at = coalesce(started_at, now())
    where connection_id = $2 and sync_id = $1
    returning started_at
)
update sync_job
set state = 'running', stalls = stalls + 1, started_at = coalesce(started_at, now())
where connection_id = $2 and sync_id = $1 and object = $3
returning (select lease_epoch from leased), (select started_at from begun) as sync_started_at;

-- name: job_park
-- Not now: until this moment, or until something about the connection changes.
update sync_job
set state = 'waiting', due_at = $4
where connection_id = $1 and sync_id = $2 and object = $3;

-- name: job_renew
-- Heartbeat of the leases that an owner works on; those that it still holds.
update stream
set lease_until = now() + $4::interval
from unnest($1::text[], $2::text[]) as held (connection_id, object)
where stream.connection_id = held.connection_id and stream.object = held.object and lease_owner = $3
returning stream.connection_id, stream.object, lease_epoch;

-- name: page_save
-- The cursor after a page, only for the holder of the lease; and what decides about the next call.
with ours as (
    update stream
    set read_sequence = $5, lease_until = now() + $9::interval
    where connection_id = $1 and object = $2 and lease_epoch = $3 and lease_owner = $4
    returning connection_id
),
progress as (
    update sync_job
    set position = $7, records = records + $8, pages = pages + 1, attempts = 0, stalls = 0
    where connection_id = $1 and sync_id = $6 and object = $2 and exists (select from ours)
)
select exists (select from ours) as ours,
    c.lifecycle, coalesce(k.version, 0) as version, g.rejected_version, g.not_before, g.status
from connection c
join gate g using (connection_id)
left join credential k on k.connection_id = c.connection_id and k.state = 'active'
where c.connection_id = $1;

-- name: stream_finish
-- After the last page: where the next sync begins. The lease ends.
update stream
set cursor = $5, read_sequence = $6, read_fields = $7, lease_owner = null, lease_until = null,
    columns = coalesce($8, columns)
where connection_id = $1 and object = $2 and lease_epoch = $3 and lease_owner = $4
returning true;

-- name: stream_release
-- The lease ends; the cursor stays.
update stream
set lease_owner = null, lease_until = null
where connection_id = $1 and object = $2 and lease_epoch = $3 and lease_owner = $4
returning read_sequence;

-- name: probe_over
-- Whoever waited behind the one call that may try can try now.
update gate set probe_until = null where connection_id = $1;

-- name: job_requeue
-- The job goes on later from where it is.
update sync_job
set state = $4, due_at = $5, attempts = $6, stalls = 0
where connection_id = $1 and sync_id = $2 and object = $3 and ended_at is null;

-- name: job_end
-- The job is over.
update sync_job
set state = $4, outcome = $5, message = $6, records = records + $7, pages = pages + $8, position = null,
    due_at = null, ended_at = now()
where connection_id = $1 and sync_id = $2 and object = $3 and ended_at is null
returning records, pages;

-- name: sync_end
-- The sync is over when each of its jobs is.
update sync
set ended_at = now()
where connection_id = $1 and sync_id = $2 and ended_at is null
    and not exists (select from sync_job where sync_id = $2 and ended_at is null);

-- name: job_unpark
-- Jobs that waited for a change of the connection look again.
update sync_job
set state = 'queued', due_at = now()
where connection_id = $1 and ended_at is null and state = 'waiting';

-- name: job_hasten
-- Jobs that waited for anything at all look again.
update sync_job
set state = case when state = 'waiting' then 'queued' else state end, due_at = now(), attempts = 0
where connection_id = $1 and ended_at is null and (state = 'waiting' or due_at > now());

-- name: job_counts
-- Open jobs by state.
select state, count(*) from sync_job where ended_at is null group by state;

-- name: oldest_due_job
-- For how many seconds the job that should have begun first has waited.
select coalesce(extract(epoch from now() - min(due_at)), 0)::float as seconds
from sync_job where ended_at is null and state in ('queued', 'waiting') and due_at <= now();

-- Schedules

-- name: schedule_default
-- A connection that has no schedule gets this one.
insert into schedule (connection_id, object, every_minutes, due_at, changed_by)
select $1, '', $2, $3, 'default'
where not exists (select from schedule where connection_id = $1);

-- name: schedule_clear
-- What was set before is replaced.
delete from schedule where connection_id = $1;

-- name: schedule_set
-- One object's row, or the one of all others.
insert into schedule (connection_id, object, every_minutes, full_every_hours, due_at, full_due_at, changed_by)
select connection_id, $2, $3, $4, $5, $6, $7
from connection
where connection_id = $1 and lifecycle <> 'deleted'
returning true;

-- name: schedule_due
-- Rows that are due, of connections that work, locked.
select s.connection_id, s.object, s.every_minutes, s.full_every_hours, s.due_at, s.full_due_at, c.system
from schedule s
join connection c using (connection_id)
where least(s.due_at, s.full_due_at) <= $1 and c.lifecycle = 'active'
order by least(s.due_at, s.full_due_at)
limit 100
for update of s skip locked for share of c skip locked;

-- name: schedule_next
-- When it is due again.
update schedule set due_at = $3, full_due_at = $4 where connection_id = $1 and object = $2;

-- name: schedule_objects
-- Which rows read by themselves.
select object, due_at is not null or full_due_at is not null as reads from schedule where connection_id = $1;

-- name: schedule_own
-- Objects that have a row of their own.
select object from schedule where connection_id = $1 and object <> '';

-- Commands

-- name: command_add
-- A command to carry out, once.
insert into command_job (command_id, kind, connection_id, payload, traceparent)
values ($1, $2, $3, $4, $5)
on conflict do nothing;

-- name: command_lease
-- The next command that is due.
update command_job
set lease_owner = $1, lease_until = now() + $2::interval, attempts = attempts + 1
where command_id = (
    select command_id
    from command_job
    where ended_at is null and due_at <= now() and (lease_until is null or lease_until < now())
    order by due_at
    limit 1
    for update skip locked
)
returning command_id, kind, connection_id, payload, traceparent, attempts, called_at;

-- name: command_calling
-- From here on the source may have been changed.
update command_job
set called_at = now()
where connection_id = $1 and command_id = $2 and lease_owner = $3
returning true;

-- name: command_not_called
-- The call was stopped before it left.
update command_job
set called_at = null
where connection_id = $1 and command_id = $2 and lease_owner = $3;

-- name: command_progress
-- What is done of a command, by the one who still holds it.
update command_job
set progress = $4
where connection_id = $1 and command_id = $2 and lease_owner = $3 and ended_at is null;

-- name: command_end
-- The command is answered, by the one who still holds it.
update command_job
set ended_at = now(), payload = '{}', lease_owner = null, lease_until = null
where connection_id = $1 and command_id = $2 and lease_owner = $3 and ended_at is null
returning true;

-- name: command_later
-- The command is tried again.
update command_job
set lease_owner = null, lease_until = null, due_at = now() + $4::interval
where connection_id = $1 and command_id = $2 and lease_owner = $3;

-- Housekeeping

-- name: forget_commands
-- Answers that nobody asks for any more.
delete from command_job where ended_at < now() - $1::interval;

-- name: forget_syncs
-- Old syncs.
delete from sync where ended_at < now() - $1::interval;
