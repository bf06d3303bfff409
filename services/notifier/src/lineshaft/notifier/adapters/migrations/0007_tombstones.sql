-- Of a deleted connection only its id is kept, and its last event until that is delivered.
alter table connection add column deleted boolean not null default false;
create index connection_deleted on connection (connection_id) where deleted;
create index event_connection on event (connection_id);
