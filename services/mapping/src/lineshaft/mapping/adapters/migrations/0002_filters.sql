-- One index for each filter of a list.
create index record_by_status on record (connection_id, entity, (document ->> 'status'), id);
create index record_by_number on record (connection_id, entity, (document ->> 'number'), id);
