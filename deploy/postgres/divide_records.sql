-- Divides the record store by connection into 16 tables: `psql -1 -f divide_records.sql`, as the owner of the schema
-- `mapping`, while its service is stopped. Only for stores beyond what one table carries (docs/howto/scale.md): each
-- record costs Postgres more afterwards. The time it takes, and the disk it needs meanwhile, grow with the store.
set local search_path = mapping;

alter table record rename to record_undivided;
alter index record_pkey rename to record_undivided_pkey;
alter index record_by_change rename to record_undivided_by_change;
alter index record_by_status rename to record_undivided_by_status;
alter index record_by_number rename to record_undivided_by_number;

create table record (like record_undivided, primary key (connection_id, entity, id))
partition by hash (connection_id);

-- Rows of a few kB stay uncompressed: compressing two documents costs more than storing them.
do $$
begin
    for part in 0..15 loop
        execute format(
            'create table %I partition of record for values with (modulus 16, remainder %s)'
            ' with (toast_tuple_target = 8160)',
            'record_part_' || part, part
        );
    end loop;
end
$$;

insert into record select * from record_undivided;

create index record_by_change on record (connection_id, entity, changed_at, id);
create index record_by_status on record (connection_id, entity, (document ->> 'status'), id);
create index record_by_number on record (connection_id, entity, (document ->> 'number'), id);

create or replace view entity_view as
select
    connection_id, entity, id, source_id, object, document, raw, mapping_version, revision, changed_at,
    deleted_at
from record;

drop table record_undivided;
