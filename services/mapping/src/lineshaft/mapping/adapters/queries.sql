-- SQL of the record store. Rows go in and out as arrays, so that a batch is one statement.

-- name: active_definitions
-- Entity, object and version of what is not the system's default.
select connection_id, entity, object, version
from definition
where connection_id = any($1::text[])

-- name: effective_definition
-- The body of a definition, if the version is still the one in force.
select effective
from definition
where connection_id = $1 and entity = $2 and version = $3

-- name: upsert_definition
-- An older version never replaces a newer one; a row comes back only if this one is new, with the object of
-- the one before.
with before as (select object from definition where connection_id = $1 and entity = $2)
insert into definition as d
    (connection_id, entity, system, object, version, effective, changed_at, changed_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (connection_id, entity) do update set
    system = excluded.system,
    object = excluded.object,
    version = excluded.version,
    effective = excluded.effective,
    changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
where d.version < excluded.version
returning (select object from before) as object_before

-- name: last_positions
-- The highest slice seen per connection and object.
select stream.connection_id, stream.object, last.lease_epoch, last.read_sequence
from unnest($1::text[], $2::text[]) as stream (connection_id, object)
cross join lateral (
    select lease_epoch, read_sequence
    from read_slice
    where read_slice.connection_id = stream.connection_id and read_slice.object = stream.object
    order by lease_epoch desc, read_sequence desc
    limit 1
) as last

-- name: overtaken
-- Those of the keys that a later slice held too.
select distinct key
from read_slice
cross join unnest(source_ids) as key
where connection_id = $1
    and object = $2
    and (lease_epoch, read_sequence) > ($3, $4)
    and key = any($5::text[])

-- name: stored_records
-- What the decision about a record needs to know of the one in the store; one look-up by key for each. One
-- that came from another object has no place in the order of this one's reads.
select
    wanted.id, r.revision,
    case when r.object = page.object then r.raw_hash else '' end as raw_hash,
    r.mapping_digest, r.content_hash,
    case when r.object = page.object then r.lease_epoch else 0 end as lease_epoch,
    case when r.object = page.object then r.read_sequence else 0 end as read_sequence,
    r.changed_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as page (connection_id, entity, object, ids)
cross join lateral unnest(page.ids::text[]) as wanted (id)
cross join lateral (
    select * from record
    where record.connection_id = page.connection_id
        and record.entity = page.entity
        and record.id = wanted.id
    limit 1
) as r

-- name: documents
-- All that is known of records that are about to be deleted.
select record.id, record.raw::text, record.document::text
from unnest($1::text[], $2::text[], $3::text[]) as wanted (connection_id, entity, id)
join record using (connection_id, entity, id)

-- name: write_records
-- Records of one page and entity. A row that is no longer at the revision which was decided on stays.
insert into record as r (
    connection_id, entity, object, mapping_version, mapping_digest, lease_epoch, read_sequence, observed_at,
    id, source_id, raw, raw_hash, document, content_hash, revision, based_on, changed_at, deleted_at
)
select
    $1, $2, $3, $4, $5, $6, $7, $8,
    id, source_id, convert_from(raw, 'UTF8')::jsonb, raw_hash, document, content_hash, revision, based_on,
    changed_at, (document ->> 'deleted_at')::timestamptz
from unnest(
    $9::text::text[], $10::text[], $11::bytea[], $12::text::text[], $13::bytea[], $14::text::text[],
    $15::text::bigint[], $16::timestamptz[], $17::text::bigint[]
) as new (id, source_id, raw, raw_hash, mapped, content_hash, revision, changed_at, based_on)
cross join lateral (select convert_from(mapped, 'UTF8')::jsonb as document offset 0) as parsed
on conflict (connection_id, entity, id) do update set
    object = excluded.object,
    mapping_version = excluded.mapping_version,
    mapping_digest = excluded.mapping_digest,
    lease_epoch = excluded.lease_epoch,
    read_sequence = excluded.read_sequence,
    observed_at = excluded.observed_at,
    raw = excluded.raw,
    raw_hash = excluded.raw_hash,
    document = excluded.document,
    content_hash = excluded.content_hash,
    revision = excluded.revision,
    based_on = excluded.based_on,
    changed_at = excluded.changed_at,
    deleted_at = excluded.deleted_at
where r.revision = excluded.based_on

-- name: add_read_slice
-- Remember which keys a slice held.
insert into read_slice as r
    (connection_id, object, lease_epoch, read_sequence, sync_id, read_at, source_ids)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (connection_id, object, lease_epoch, read_sequence) do update
set source_ids = r.source_ids || excluded.source_ids
where not r.source_ids @> excluded.source_ids

-- name: old_slices
-- Connections and objects with slices that are old enough to be folded: those of a read that goes on are not, for
-- they tell at its end what it has found.
select distinct connection_id, object
from read_slice as old
where read_at < $1 and (
    read_at < $2
    or exists (select from sync_object as o where o.sync_id = old.sync_id and o.object = old.object)
)
limit $3

-- name: fold_slices
-- Write the position of old slices into the records themselves, and forget the slices.
with old as (
    delete from read_slice as old
    where connection_id = $1 and object = $2 and read_at < $3 and (
        read_at < $4
        or exists (select from sync_object as o where o.sync_id = old.sync_id and o.object = old.object)
    )
    returning lease_epoch, read_sequence, source_ids
),
latest as (
    select distinct on (source_id) source_id, lease_epoch, read_sequence
    from old
    cross join unnest(source_ids) as source_id
    order by source_id, lease_epoch desc, read_sequence desc
)
update record set
    lease_epoch = latest.lease_epoch,
    read_sequence = latest.read_sequence
from latest
where record.connection_id = $1
    and record.object = $2
    and record.source_id = latest.source_id
    and (record.lease_epoch, record.read_sequence) < (latest.lease_epoch, latest.read_sequence)

-- name: add_field_errors
-- Counts start again with each mapping version.
insert into field_error as f
    (connection_id, entity, field, mapping_version, count, code, reason, sample, source_id, last_at)
select *
from unnest(
    $1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::timestamptz[]
)
on conflict (connection_id, entity, field) do update set
    mapping_version = excluded.mapping_version,
    count = excluded.count + case when f.mapping_version = excluded.mapping_version then f.count else 0 end,
    code = excluded.code,
    reason = excluded.reason,
    sample = excluded.sample,
    source_id = excluded.source_id,
    last_at = excluded.last_at
where f.mapping_version <= excluded.mapping_version

-- name: missing_records
-- Keys that are stored and that no slice of this read held; what was stored while it went on is not missing.
with present as materialized (
    select distinct key
    from read_slice
    cross join unnest(source_ids) as key
    where connection_id = $1 and object = $2 and sync_id = $3
),
known as materialized (
    select source_id, max(observed_at) as observed_at
    from record
    where connection_id = $1 and object = $2 and deleted_at is null
    group by source_id
)
select
    array_agg(source_id order by source_id)
        filter (where observed_at < $4 and not exists (select from present where key = source_id)) as keys,
    count(*)::integer as known
from known

-- name: hold_deletions
-- The latest proposal of an object.
insert into deletion_proposal as p (connection_id, object, sync_id, missing, known, sample)
values ($1, $2, $3, $4, $5, $6)
on conflict (connection_id, object) do update set
    sync_id = excluded.sync_id,
    missing = excluded.missing,
    known = excluded.known,
    sample = excluded.sample,
    held_at = now()
where p.sync_id <> excluded.sync_id
returning true

-- name: approve_deletions
-- For the next complete read.
update deletion_proposal
set approved_at = now(), approved_by = $3
where connection_id = $1 and object = $2
returning true

-- name: deletions_approved
-- Whether somebody has said yes.
select true from deletion_proposal where connection_id = $1 and object = $2 and approved_at is not null

-- name: forget_deletions
-- Nothing is held any more.
delete from deletion_proposal where connection_id = $1 and object = $2

-- name: ensure_sync
-- The row that the ends of all objects of one sync are counted under.
insert into sync (sync_id, connection_id, system, mode, expected_objects, started_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (sync_id) do nothing

-- name: lock_sync
-- Two last objects that end at once must see each other.
select expected_objects, started_at, completed_at
from sync
where connection_id = $1 and sync_id = $2
for update

-- name: add_sync_object
-- The end of one object; a fenced-off worker never replaces a later one.
insert into sync_object as o
    (sync_id, object, lease_epoch, read_sequence, result, started_at, ended_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (sync_id, object) do update set
    lease_epoch = excluded.lease_epoch,
    read_sequence = excluded.read_sequence,
    result = excluded.result,
    ended_at = excluded.ended_at
where (o.lease_epoch, o.read_sequence) < (excluded.lease_epoch, excluded.read_sequence)

-- name: has_ended
-- Whether this end of an object, or a later one, is noted already.
select true from sync_object
where sync_id = $1 and object = $2 and (lease_epoch, read_sequence) >= ($3, $4)

-- name: sync_objects
-- What has ended so far.
select result, ended_at
from sync_object
where sync_id = $1
order by object

-- name: complete_sync
-- The records of this sync are readable.
update sync set
    result = $3,
    records = $4,
    data_as_of = $5,
    completed_at = $6
where connection_id = $1 and sync_id = $2

-- name: forget_syncs
-- Old syncs, as long as a later one of the connection was completed.
delete from sync
where sync_id in (
    select old.sync_id
    from sync as old
    where old.started_at < $1
        and exists (
            select from sync as later
            where later.connection_id = old.connection_id
                and (later.completed_at, later.sync_id) > (coalesce(old.completed_at, old.started_at), old.sync_id)
                and later.result <> 'failed'
        )
    limit 10000
)

-- name: start_remap
-- A new version starts from the beginning.
insert into remap as r (connection_id, entity, object, system, version)
values ($1, $2, $3, $4, $5)
on conflict (connection_id, entity) do update set
    object = excluded.object,
    system = excluded.system,
    version = excluded.version,
    after = '',
    mapped = 0,
    changed = 0,
    started_at = now(),
    finished_at = null
where r.version < excluded.version

-- name: remap_progress
-- Where the re-map of one entity stands.
select version, after, finished_at
from remap
where connection_id = $1 and entity = $2

-- name: behind
-- The next records that were mapped with an older version.
select
    id, source_id, raw, revision, content_hash, observed_at
from record
where connection_id = $1
    and entity = $2
    and id > $3
    and object = $4
    and mapping_version < $5
    and content_hash <> 'deleted'
order by id
limit $6

-- name: to_retire
-- The next records that an entity has from an object which it comes from no more.
select id, mapping_version, revision, document::text
from record
where connection_id = $1 and entity = $2 and object = $3 and id > $4 and deleted_at is null
order by id
limit $5

-- name: retire
-- Records that are no longer read; what was known of them stays readable.
update record set
    document = parsed.document,
    raw_hash = '',
    content_hash = $3,
    revision = new.known_revision + 1,
    changed_at = $4,
    deleted_at = $4
from unnest($5::text::text[], $6::text::bigint[], $7::bytea[]) as new (id, known_revision, document)
cross join lateral (select convert_from(new.document, 'UTF8')::jsonb as document offset 0) as parsed
where record.connection_id = $1
    and record.entity = $2
    and record.id between $8 and $9
    and record.id = new.id
    and record.revision = new.known_revision

-- name: remap_changed
-- Records whose content differs under the new version. The range, from the first id to the last, keeps the planner
-- within the chunk while the table has no statistics yet.
update record set
    mapping_version = $3,
    mapping_digest = $4,
    changed_at = $5,
    document = parsed.document,
    content_hash = new.content_hash,
    revision = new.known_revision + 1,
    deleted_at = (parsed.document ->> 'deleted_at')::timestamptz
from unnest($6::text::text[], $7::text::bigint[], $8::bytea[], $9::text::text[])
    as new (id, known_revision, mapped, content_hash)
cross join lateral (select convert_from(new.mapped, 'UTF8')::jsonb as document offset 0) as parsed
where record.connection_id = $1
    and record.entity = $2
    and record.id between $10 and $11
    and record.id = new.id
    and record.revision = new.known_revision

-- name: remap_unchanged
-- Records whose content is the same under the new version.
update record set
    document = record.document || jsonb_build_object('mapping_version', $3::integer),
    mapping_version = $3,
    mapping_digest = $4
from unnest($5::text::text[], $6::text::bigint[]) as known (id, revision)
where record.connection_id = $1
    and record.entity = $2
    and record.id between $7 and $8
    and record.id = known.id
    and record.revision = known.revision

-- name: advance_remap
-- The chunk is done; a finished time ends the re-map.
update remap set
    after = $3,
    mapped = mapped + $4,
    changed = changed + $5,
    finished_at = $6
where connection_id = $1 and entity = $2

-- name: begin_purge
-- Asked for once more, it is answered once more.
insert into purge (connection_id, command_id, traceparent) values ($1, $2, $3)
on conflict (connection_id) do update set
    command_id = excluded.command_id, traceparent = excluded.traceparent, completed_at = null

-- name: take_purge
-- The oldest that no other replica is at.
select connection_id, command_id, traceparent, records from purge
where completed_at is null
order by asked_at
limit 1
for update skip locked

-- name: keys_to_purge
-- The next records of a connection.
select entity, id from record where connection_id = $1 limit $2

-- name: purge_records
-- A chunk, and how many it makes by now.
with gone as (
    delete from record
    using unnest($2::text[], $3::text[]) as key (entity, id)
    where record.connection_id = $1 and record.entity = key.entity and record.id = key.id
    returning 1
)
update purge set records = records + (select count(*) from gone) where connection_id = $1

-- name: purge_definition
delete from definition where connection_id = $1

-- name: purge_deletion_proposal
delete from deletion_proposal where connection_id = $1

-- name: purge_field_error
delete from field_error where connection_id = $1

-- name: purge_read_slice
delete from read_slice where connection_id = $1

-- name: purge_remap
delete from remap where connection_id = $1

-- name: purge_sync
-- Ends of its objects go with it.
delete from sync where connection_id = $1

-- name: complete_purge
update purge set completed_at = now() where connection_id = $1
