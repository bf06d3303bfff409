-- The mapping definition in force per connection and entity; without a row it is the system's default, version 1.
create table definition (
    connection_id text not null,
    entity text not null,
    system text not null,
    object text not null,
    version integer not null,
    effective jsonb not null,
    changed_at timestamptz not null,
    changed_by text not null,
    primary key (connection_id, entity)
);

-- Each entity of each source record, as the source gave it and as it was mapped.
-- `raw_hash` and `mapping_digest` stand for all that `document` was made from; `based_on` is the revision that
-- the last write was decided on, so that a write by somebody else in between is noticed.
create table record (
    connection_id text not null,
    entity text not null,
    id text not null,
    object text not null,
    source_id text not null,
    raw jsonb not null,
    raw_hash text not null,
    document jsonb not null,
    content_hash text not null,
    mapping_version integer not null,
    mapping_digest text not null,
    revision bigint not null,
    based_on bigint not null,
    lease_epoch bigint not null,
    read_sequence bigint not null,
    observed_at timestamptz not null,
    changed_at timestamptz not null,
    deleted_at timestamptz,
    primary key (connection_id, entity, id)
)
-- Rows of a few kB stay uncompressed: compressing two documents costs more than storing them.
with (toast_tuple_target = 8160);
create index record_by_change on record (connection_id, entity, changed_at, id);

-- Which keys each slice of an object held. A row of `record` is not touched by a read that found it
-- unchanged, so this tells whether a slice that comes late was overtaken.
create table read_slice (
    connection_id text not null,
    object text not null,
    lease_epoch bigint not null,
    read_sequence bigint not null,
    sync_id text not null,
    read_at timestamptz not null,
    source_ids text[] not null,
    primary key (connection_id, object, lease_epoch, read_sequence)
);
create index read_slice_by_age on read_slice (read_at);

create table sync (
    sync_id text primary key,
    connection_id text not null,
    system text not null,
    mode text not null,
    expected_objects text[] not null,
    started_at timestamptz not null,
    result text,
    records bigint not null default 0,
    data_as_of timestamptz,
    completed_at timestamptz
);
create index sync_by_connection on sync (connection_id, completed_at desc);

-- How the read of each object of a sync ended.
create table sync_object (
    sync_id text not null references sync on delete cascade,
    object text not null,
    lease_epoch bigint not null,
    read_sequence bigint not null,
    result jsonb not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    primary key (sync_id, object)
);

-- How far the re-map of stored records to `version` has come; `after` is the id where the last chunk ended.
create table remap (
    connection_id text not null,
    entity text not null,
    object text not null,
    system text not null,
    version integer not null,
    after text not null default '',
    mapped bigint not null default 0,
    changed bigint not null default 0,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (connection_id, entity)
);

-- Values that did not fit their field, counted since the mapping version that they were mapped with.
create table field_error (
    connection_id text not null,
    entity text not null,
    field text not null,
    mapping_version integer not null,
    count bigint not null,
    code text not null,
    reason text not null,
    sample text not null,
    source_id text not null,
    last_at timestamptz not null,
    primary key (connection_id, entity, field)
);

create view entity_view as
select
    connection_id, entity, id, source_id, object, document, raw, mapping_version, revision, changed_at,
    deleted_at
from record;

create view sync_result_view as
select
    sync_id, connection_id, result, mode, records,
    coalesce(
        (select jsonb_agg(o.result order by o.object) from sync_object o where o.sync_id = sync.sync_id),
        '[]'
    ) as objects,
    started_at, completed_at
from sync
where completed_at is not null;

create view freshness_view as
select connection_id, max(data_as_of) as data_as_of
from sync
where completed_at is not null and result <> 'failed'
group by connection_id;

create view field_health_view as
select connection_id, entity, field, mapping_version, count, code, reason, sample, source_id, last_at
from field_error;

create view remap_view as
select connection_id, entity, object, version, mapped, changed, started_at, finished_at
from remap;

grant select on entity_view, sync_result_view, freshness_view, field_health_view, remap_view
to lineshaft_api;
