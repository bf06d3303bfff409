-- Everything that `api` asks of Postgres, by area.

-- name: access
-- Key check, connection, health and mapping version in one round trip. A token sees its own connection only.
select k.key_id, k.kind, k.scopes, k.connection_id as key_connection_id,
    k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as use_is_news,
    c.connection_id, c.system, c.lifecycle, c.credential_version, c.created_at, c.changed_at,
    c.metadata, c.objects, s.document, s.last_sync_at, f.data_as_of, coalesce(m.version, 1) as mapping_version
from api_key k
left join connection c
    on c.connection_id = coalesce($2, k.connection_id)
    and (k.kind = 'admin' or c.connection_id = k.connection_id)
    and c.lifecycle <> 'deleted'
left join lateral (
    select v.document, v.last_sync_at from health_monitor.status_view v
    where v.connection_id = coalesce($2, k.connection_id)
) s on true
left join lateral (
    select v.data_as_of from mapping.freshness_view v where v.connection_id = coalesce($2, k.connection_id)
) f on true
left join lateral (
    select v.version from mapping_version v
    where v.connection_id = c.connection_id and v.entity = $3
    order by v.version desc limit 1
) m on true
where k.key_hash = $1 and (k.expires_at is null or k.expires_at > now())

-- name: key
-- The key check alone.
select key_id, kind, scopes, connection_id,
    last_used_at is null or last_used_at < now() - interval '1 minute' as use_is_news
from api_key
where key_hash = $1 and (expires_at is null or expires_at > now())

-- name: key_used
-- At most once a minute.
update api_key set last_used_at = now()
where key_id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')

-- name: insert_token
insert into api_key (key_hash, key_id, kind, connection_id, label)
values ($1, $2, 'connection', $3, 'connection token')

-- name: install_admin_key
-- The key of the settings; one that is there already stays as it is.
insert into api_key (key_hash, key_id, kind, label, from_settings)
values ($1, $2, 'admin', $3, true) on conflict (key_hash) do nothing

-- name: end_installed_keys
-- The key of the settings takes the place of the one that was set before it; without one, none is left.
delete from api_key where from_settings and ($1::bytea is null or key_hash <> $1)

-- name: insert_admin_key
insert into api_key (key_hash, key_id, kind, label, scopes, expires_at, created_at, created_by)
values ($1, $2, 'admin', $3, $4, $5, $6, $7)
returning *

-- name: admin_key
select * from api_key where kind = 'admin' and key_id = $1

-- name: lock_admin_key
select * from api_key where kind = 'admin' and key_id = $1 for update

-- name: admin_keys
-- A page, oldest first: ids sort by time. Those that ended, too.
select * from api_key where kind = 'admin' and key_id > $1 order by key_id limit $2

-- name: end_admin_key
-- Never later than it would have ended anyway.
update api_key set expires_at = least(coalesce(expires_at, 'infinity'), $2), revoked_at = $3, replaced_by = $4
where key_id = $1
returning *

-- name: end_tokens
-- The tokens of a connection end no later than this.
update api_key set expires_at = least(coalesce(expires_at, 'infinity'), $2)
where connection_id = $1 and (expires_at is null or expires_at > $2)

-- name: insert_console_session
insert into console_session (token_hash, who, role, key_id, mark, expires_at) values ($1, $2, $3, $4, $5, $6)

-- name: console_session
-- It ends with the admin key or the password that it began with.
select s.who, s.role from console_session s
where s.token_hash = $1 and s.expires_at > $3 and (
    s.mark = any($2::text[])
    or exists (
        select from api_key k
        where k.key_id = s.key_id and k.kind = 'admin' and (k.expires_at is null or k.expires_at > now())
    )
)

-- name: end_console_session
delete from console_session where token_hash = $1

-- name: insert_audit_entry
insert into audit_entry (audit_id, at, actor, action, connection_id, subject, before, after)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: forget_audit_values
update audit_entry set before = null, after = null
where connection_id = $1 and (before is not null or after is not null)

-- name: audit_entries
-- Newest first: ids sort by time.
select audit_id, at, actor, action, connection_id, subject, before, after from audit_entry
where ($1::text is null or connection_id = $1) and ($2::text is null or actor = $2)
    and ($3::text is null or starts_with(action, $3)) and ($4::timestamptz is null or at >= $4)
    and ($5::timestamptz is null or at < $5) and ($6::text is null or audit_id < $6)
order by audit_id desc limit $7

-- name: forget_console_sessions
delete from console_session where expires_at < now()

-- name: known
-- A connection with its health, for whoever may see all.
select c.connection_id, c.system, c.lifecycle, c.credential_version, c.created_at, c.changed_at,
    c.metadata, c.objects, s.document, s.last_sync_at, f.data_as_of
from connection c
left join lateral (
    select v.document, v.last_sync_at from health_monitor.status_view v
    where v.connection_id = c.connection_id
) s on true
left join lateral (
    select v.data_as_of from mapping.freshness_view v where v.connection_id = c.connection_id
) f on true
where c.connection_id = $1 and c.lifecycle <> 'deleted'

-- name: fleet
-- A page of all connections, what needs attention first; status as in fleet_status.
with fleet as (
    select c.connection_id, c.system, c.label, c.account_label, c.created_at, c.changed_at, s.last_sync_at,
        lower(coalesce(nullif(c.label, ''), nullif(c.account_label, ''), c.system)) as sort_name,
        coalesce(c.lifecycle = 'active'
            and s.credential_version >= c.credential_version, false) as binding,
        case
            when c.lifecycle in ('paused', 'disconnected') then c.lifecycle
            when s.credential_version >= c.credential_version then s.status
            else 'pending'
        end as status
    from connection c left join health_monitor.status_view s on s.connection_id = c.connection_id
    where c.lifecycle <> 'deleted'
        and ($1::text is null or c.system = $1)
        and ($2::text is null or c.label ilike $2 or c.account_label ilike $2 or c.connection_id ilike $2
            or c.system ilike $2 or c.metadata::text ilike $2)
), ranked as (
    select *, coalesce(array_position($4::text[], status), 99) as rank from fleet
    where $3::text[] is null or status = any($3)
), shown as (
    select * from ranked
    where $5::int is null or (rank, sort_name, connection_id) > ($5, $6, $7)
    order by rank, sort_name, connection_id limit $8
)
select shown.*, case when binding then s.document -> 'verdict' end as verdict,
    case when binding then (s.document ->> 'since')::timestamptz else shown.changed_at end as since
from shown left join health_monitor.status_view s on s.connection_id = shown.connection_id
order by rank, sort_name, shown.connection_id

-- name: connection
-- One connection; a deleted one is gone.
select * from connection where connection_id = $1 and lifecycle <> 'deleted'

-- name: lock_connection
-- The tombstone of a deleted one, too.
select * from connection where connection_id = $1 for update

-- name: connections
-- A page, oldest first: ids sort by time.
select * from connection
where lifecycle <> 'deleted' and connection_id > $1 and ($2::text is null or system = $2)
order by connection_id limit $3

-- name: insert_connection
-- A connection begins with its first verified credentials.
insert into connection (connection_id, system, label, lifecycle, settings, login, metadata, redirect_url,
    account_id, account_label, credential_version, created_at, changed_at, changed_by, objects)
values ($1, $2, $3, 'active', $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)
returning *

-- name: update_connection
-- Each change raises the revision.
update connection set label = $2, metadata = $3, lifecycle = $4, login = $5, redirect_url = $6,
    account_id = $7, account_label = $8, credential_version = $9, changed_at = $10, changed_by = $11,
    objects = $12, revision = revision + 1
where connection_id = $1
returning *

-- name: insert_link_session
insert into link_session (session_id, capability_hash, connection_id, system, reauthorizes, settings, login,
    label, metadata, redirect_url, created_by, expires_at, offered)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: link_session
-- By the capability in the page's address.
select * from link_session where capability_hash = $1

-- name: choose_system
-- What the customer has chosen from those offered; a login at another one has nothing to come back to.
with given_up as (delete from consent where session_id = $1)
update link_session set system = $2 where session_id = $1 and state = 'open'

-- name: lock_link_session
select * from link_session where session_id = $1 for update

-- name: lock_link_sessions
select from link_session where connection_id = $1 order by session_id for update

-- name: submit_link_session
-- An attempt begins.
update link_session set state = 'verifying', attempts = attempts + 1, command_id = $2, submitted_at = $3,
    chooses = $4
where session_id = $1

-- name: reopen_link_session
-- The attempt was refused; a later one may be under way already.
update link_session set state = 'open' where session_id = $1 and command_id = $2 and state = 'verifying'

-- name: await_choice
update link_session set state = 'choosing', command_id = $2, proven = true where session_id = $1

-- name: forget_samples
delete from command where session_id = $1 and kind = $2

-- name: complete_link_session
-- The customer is done; the vendor's code begins.
update link_session set state = 'completed', command_id = $2, code_hash = $3, code_sealed = $4,
    code_expires_at = $5
where session_id = $1

-- name: code_of_session
select state, command_id, code_sealed from link_session where session_id = $1

-- name: exchange_code
-- A code works once.
update link_session set exchanged_at = $2, code_sealed = null
where code_hash = $1 and exchanged_at is null and code_expires_at > $2
returning connection_id

-- name: give_up_choices
-- Customers who logged in and never chose, whatever they did afterwards; there is no connection.
update link_session set state = 'open', proven = false
where session_id in (
    select session_id from link_session where proven and state <> 'completed' and expires_at < $1
    limit 100 for update skip locked
)
returning session_id, connection_id

-- name: forget_link_sessions
-- What nobody can use any more.
delete from link_session where expires_at < now() - interval '7 days'

-- name: forget_commands
delete from command where created_at < now() - interval '7 days'

-- name: insert_candidate_credential
insert into connector.credential (credential_id, connection_id, sealed) values ($1, $2, $3)

-- name: insert_command
-- Nothing comes back where the idempotency key was used before.
insert into command (command_id, kind, connection_id, session_id, request, idempotency_key, request_hash)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
returning command_id

-- name: command
select * from command where command_id = $1

-- name: release_idempotency_key
update command set idempotency_key = null
where connection_id = $1 and idempotency_key = $2 and request_hash = $3
    and problem ->> 'code' = any($4::text[])

-- name: command_by_idempotency_key
select * from command where connection_id = $1 and idempotency_key = $2

-- name: complete_command
-- The first answer counts.
update command set completed_at = $2, result = $3, problem = $4
where command_id = $1 and completed_at is null
returning *

-- name: active_mapping
-- The newest version; none where the default is in force.
select * from mapping_version where connection_id = $1 and entity = $2 order by version desc limit 1

-- name: default_digests
select entity, digest from default_mapping where system = $1

-- name: keep_default_digests
insert into default_mapping (system, entity, digest)
select $1, * from unnest($2::text[], $3::text[])
on conflict (system, entity) do update set digest = excluded.digest

-- name: mapping_version
select * from mapping_version where connection_id = $1 and entity = $2 and version = $3

-- name: mapping_versions
select * from mapping_version where connection_id = $1 and entity = $2 and version < $3
order by version desc limit $4

-- name: insert_mapping_version
insert into mapping_version
    (connection_id, entity, version, overlay, effective, comment, created_at, created_by, object)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: custom_objects
-- The newest version of each custom object that was not removed.
select entity, version, object, effective, created_at, created_by
from (
    select distinct on (entity) *
    from mapping_version
    where connection_id = $1 and entity like 'custom:%'
    order by entity, version desc
) newest
where object <> ''
order by entity

-- name: described_objects
-- What the source has, as it was last looked at.
select object, fields, described_at from connector.schema_view
where connection_id = $1 and ($2::text is null or object = $2)
order by object

-- name: drift
-- What is open about an object of the source; either part may be unknown.
select p.policy, s.changes, s.changed_at
from (select $1::text as connection_id, $2::text as object) asked
left join connector.schema_view s using (connection_id, object)
left join connector.drift_policy_view p using (connection_id, object)

-- name: held_deletions
select object, sync_id, missing, known, sample, held_at, approved_at, approved_by
from mapping.deletion_view
where connection_id = $1
order by object

-- name: raw_samples
-- The source records of an object that changed last.
select raw from mapping.entity_view
where connection_id = $1 and object = $2 and deleted_at is null
order by changed_at desc, id limit $3

-- name: entity_columns
-- The pages of `entities.page_statement` go on from here.
select id, source_id, document::text as document, revision, changed_at, deleted_at,
    document ->> 'observed_at' as observed_at

-- name: entity
-- One record; what a custom object had from another source is only shown as deleted, and stays as it was.
select id, source_id, document::text as document, revision, changed_at, deleted_at,
    document ->> 'observed_at' as observed_at, behind,
    case when $5 or behind then raw::text end as raw
from (
    select *, mapping_version < $4 and ($7::text is null or object = $7) as behind from mapping.entity_view
) as v
where connection_id = $1 and entity = $2 and id = $3
    and (deleted_at is null or $6) and (deleted_at is not null or $7 is null or object = $7)

-- name: stored
-- A record as it is stored.
select document, revision from mapping.entity_view where connection_id = $1 and entity = $2 and id = $3

-- name: source_id
-- The key at the source of a record that is to be changed.
select source_id, revision from mapping.entity_view
where connection_id = $1 and entity = $2 and id = $3 and deleted_at is null

-- name: just_created
-- The keys at the source of records that were created lately; $3 was not stored a moment ago, and is not deleted.
select result ->> 'source_id' as source_id from command
where connection_id = $1 and kind = 'write' and request ->> 'entity' = $2
    and request ->> 'operation' = 'create' and result is not null
    and created_at > now() - interval '10 minutes'
    and not exists (
        select from mapping.entity_view
        where connection_id = $1 and entity = $2 and id = $3 and deleted_at is not null
    )

-- name: source_ids
-- The keys at the source of records that are referred to.
select wanted.id, v.source_id
from unnest($2::text[], $3::text[]) as wanted (entity, id)
join mapping.entity_view v on v.connection_id = $1 and v.entity = wanted.entity and v.id = wanted.id
where v.deleted_at is null

-- name: sample_records
-- Stored source records to try a mapping on, the latest first.
select source_id, raw from mapping.entity_view
where connection_id = $1 and entity = $2 and deleted_at is null
order by changed_at desc, id limit $3

-- name: sample_record
-- One stored source record to try a mapping on.
select source_id, raw, mapping_version, revision, changed_at from mapping.entity_view
where connection_id = $1 and entity = $2 and id = $3 and deleted_at is null

-- name: records_to_try
-- All stored source records, a page at a time.
select id, source_id, raw from mapping.entity_view
where connection_id = $1 and entity = $2 and deleted_at is null and id > $3
order by id limit $4

-- name: command_progress
-- What is done of a command of the connector that takes long.
select progress from connector.command_progress_view where connection_id = $1 and command_id = $2

-- name: source_fields
-- As the source described an object last.
select fields from connector.schema_view where connection_id = $1 and object = $2

-- name: field_errors
-- Fields that could not be filled, with how often and an example.
select field, count, code, reason, sample, source_id, last_at, mapping_version
from mapping.field_health_view where connection_id = $1 and entity = $2
order by count desc

-- name: remap
-- How far the stored records are mapped anew.
select version, mapped, changed, started_at, finished_at from mapping.remap_view
where connection_id = $1 and entity = $2

-- name: timeline
-- Newest first.
select id, at, kind, summary, actor, details from health_monitor.timeline_view
where connection_id = $1 and ($2::timestamptz is null or (at, id::text) < ($2, $3))
order by at desc, id::text desc limit $4

-- name: issues
select issue_id, fault, status, scope, objects, opened_at, first_seen_at, last_seen_at, count, resolved_at,
    verdict, muted_until
from health_monitor.issue_view
where connection_id = $1 and ($2::timestamptz is null or (opened_at, issue_id) < ($2, $3))
    and ($5::boolean is null or (resolved_at is null) = $5)
order by opened_at desc, issue_id desc limit $4

-- name: fleet_status
-- Of each connection what its own status would say: lifecycle first, no verdict about replaced credentials.
select system, status, count(*) as connections
from (
    select c.system, case
        when c.lifecycle in ('paused', 'disconnected') then c.lifecycle
        when s.credential_version >= c.credential_version then s.status
        else 'pending'
    end as status
    from connection c left join health_monitor.status_view s on s.connection_id = c.connection_id
    where c.lifecycle <> 'deleted'
) as each_connection
group by system, status

-- name: open_outages
select outage_id, system, host, fault, connections, opened_at, announced_at, cleared_at
from health_monitor.outage_view where resolved_at is null
order by opened_at, outage_id

-- name: ladder
-- The last one.
select document from health_monitor.ladder_view where connection_id = $1

-- name: field_names
-- Of each object that was described, the names of its fields.
select object, array(
    select coalesce(field ->> 'name', '') from jsonb_array_elements(fields) as field
) as names
from connector.schema_view where connection_id = $1

-- name: mapping_history
-- Versions of all entities, newest first, without their content.
select entity, version, comment, created_at, created_by from mapping_version
where connection_id = $1
order by created_at desc, entity, version desc limit $2

-- name: errors
select event_id, at, object, operation, outcome, http_status, code, message, request_id
from health_monitor.error_view
where connection_id = $1 and ($2::timestamptz is null or (at, event_id) < ($2, $3))
    and ($5::text is null or object = $5) and ($6::text[] is null or outcome = any($6))
    and ($7::text is null or operation = $7)
order by at desc, event_id desc limit $4

-- name: syncs
-- What the connector read, and what came of it in the store; each once, however many requests it answers.
select distinct on (s.created_at, s.sync_id) s.sync_id, s.request_id, s.mode, s.status, s.objects, s.created_at, s.ended_at,
    r.result, r.records, r.completed_at, r.objects as readable
from connector.sync_view s
left join mapping.sync_result_view r on r.sync_id = s.sync_id and r.connection_id = s.connection_id
where s.connection_id = $1 and ($2::timestamptz is null or (s.created_at, s.sync_id) < ($2, $3))
    and ($5::text is null or s.request_id = $5)
order by s.created_at desc, s.sync_id desc, s.request_id limit $4

-- name: schedule
-- What is read by itself, the row '' for all objects without one of their own.
select object, every_minutes, full_every_hours, due_at, full_due_at, changed_at, changed_by
from connector.schedule_view
where connection_id = $1
order by object

-- name: insert_webhook_endpoint
insert into webhook_endpoint (endpoint_id, url, description, event_types, connection_ids, enabled, ordered,
    max_per_second, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
returning *

-- name: insert_webhook_secret
insert into notifier.webhook_secret (secret_id, endpoint_id, sealed) values ($1, $2, $3)

-- name: webhook_endpoint
-- With what the endpoint's own answers led to.
select e.*, s.disabled_at, s.disabled_reason, s.failing_since, coalesce(s.warned, 0) as warned,
    s.oldest_due_at
from webhook_endpoint e left join notifier.endpoint_state_view s on s.endpoint_id = e.endpoint_id
where e.endpoint_id = $1 and not e.deleted

-- name: lock_webhook_endpoint
select * from webhook_endpoint where endpoint_id = $1 and not deleted for update

-- name: webhook_endpoints
select e.*, s.disabled_at, s.disabled_reason, s.failing_since, coalesce(s.warned, 0) as warned,
    s.oldest_due_at
from webhook_endpoint e left join notifier.endpoint_state_view s on s.endpoint_id = e.endpoint_id
where not e.deleted and e.endpoint_id > $1
order by e.endpoint_id limit $2

-- name: update_webhook_endpoint
update webhook_endpoint set url = $2, description = $3, event_types = $4, connection_ids = $5, enabled = $6,
    ordered = $7, max_per_second = $8, deleted = $9, changed_at = $10, revision = revision + 1
where endpoint_id = $1
returning *

-- name: deliveries
-- Newest first, each with its attempts.
select d.delivery_id, d.endpoint_id, d.connection_id, d.event_type, d.event_id, d.state, d.attempts,
    d.created_at, d.next_attempt_at, d.delivered_at, d.last_status, d.last_error,
    coalesce((
        select jsonb_agg(jsonb_build_object('number', a.number, 'at', a.at, 'duration_ms', a.duration_ms,
            'status', a.status, 'error', a.error, 'response_body', a.response_body) order by a.number)
        from notifier.attempt_view a where a.delivery_id = d.delivery_id
    ), '[]') as attempt_log
from notifier.delivery_view d
where d.endpoint_id = $1 and ($2::timestamptz is null or (d.created_at, d.delivery_id) < ($2, $3))
    and ($5::text is null or d.state = $5)
order by d.created_at desc, d.delivery_id desc limit $4

-- name: delivery
select endpoint_id from notifier.delivery_view where delivery_id = $1

-- name: replays
-- Newest first, with how far each is.
select replay_id, endpoint_id, since, until, event_types, connection_ids,
    case when only_undelivered then 'undelivered' else 'all' end as only, per_second,
    state, total, passed, queued, delivered, given_up, due, created_at, completed_at
from notifier.replay_view
where endpoint_id = $1 and ($2::timestamptz is null or (created_at, replay_id) < ($2, $3))
order by created_at desc, replay_id desc limit $4

-- name: replay_state
select state from notifier.replay_view where endpoint_id = $1 and replay_id = $2

-- name: insert_alert_channel
insert into alert_channel (channel_id, name, address, event_types, urgent_event_types, systems, connection_ids,
    metadata, quiet_hours, group_seconds, enabled, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
returning *

-- name: insert_alert_secret
insert into notifier.alert_secret (secret_id, channel_id, sealed) values ($1, $2, $3)

-- name: alert_channel
-- With what waits for it.
select c.*, coalesce(w.waiting, 0) as waiting, w.next_message_at
from alert_channel c left join notifier.alert_waiting_view w on w.channel_id = c.channel_id
where c.channel_id = $1 and not c.deleted

-- name: lock_alert_channel
select * from alert_channel where channel_id = $1 and not deleted for update

-- name: alert_channels
select c.*, coalesce(w.waiting, 0) as waiting, w.next_message_at
from alert_channel c left join notifier.alert_waiting_view w on w.channel_id = c.channel_id
where not c.deleted and c.channel_id > $1
order by c.channel_id limit $2

-- name: update_alert_channel
update alert_channel set name = $2, address = $3, event_types = $4, urgent_event_types = $5, systems = $6,
    connection_ids = $7, metadata = $8, quiet_hours = $9, group_seconds = $10, enabled = $11, deleted = $12,
    changed_at = $13, revision = revision + 1
where channel_id = $1
returning *

-- name: alert_messages
-- Newest first.
select message_id, state, alerts, event_types, attempts, created_at, next_attempt_at, delivered_at, last_error
from notifier.alert_message_view
where channel_id = $1 and ($2::timestamptz is null or (created_at, message_id) < ($2, $3))
order by created_at desc, message_id desc limit $4

-- name: keep_consent
-- The state of a customer who leaves to log in; an earlier one of the session is worth nothing any more.
insert into consent (session_id, state_hash, sealed, expires_at) values ($1, $2, $3, $4)
on conflict (session_id) do update
set state_hash = excluded.state_hash, sealed = excluded.sealed, expires_at = excluded.expires_at

-- name: lock_consent
select session_id, sealed, expires_at from consent where state_hash = $1 for update

-- name: end_consent
delete from consent where session_id = $1

-- name: forget_consents
-- What nobody came back for; a while longer, so that whoever is late is told so.
delete from consent where expires_at < now() - interval '1 day'

-- name: oauth_client
select client_id, has_secret, created_at, created_by from connector.oauth_client_view where system = $1

-- name: insert_oauth_client
insert into connector.oauth_client (registration_id, system, client_id, sealed, created_by)
values ($1, $2, $3, $4, $5)

-- name: mapped_entities
-- Those of which a definition was published.
select distinct entity from mapping_version where connection_id = $1

-- name: empty_connection
-- What a change does not reach.
update connection set settings = '{}' where connection_id = $1

-- name: purge_link_session
delete from link_session where connection_id = $1

-- name: purge_command
delete from command where connection_id = $1

-- name: purge_mapping_version
delete from mapping_version where connection_id = $1

-- name: purge_api_key
delete from api_key where connection_id = $1

-- name: insert_purge
insert into purge (connection_id, service, command_id, asked_at, asked_by, completed_at, receipt)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: complete_purge
-- The receipt of a service.
update purge set completed_at = $2, receipt = $3 where command_id = $1 and completed_at is null
returning connection_id

-- name: purges
select * from purge where connection_id = $1 order by service

-- name: network
-- How a source is reached, without secrets.
select proxy, ca_certificate, requests_per_minute, private_networks, created_at, created_by
from connector.network_view where connection_id = $1

-- name: insert_network
insert into connector.network (network_id, connection_id, sealed, proxy, ca_certificate, requests_per_minute,
    private_networks, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
