-- Who asked for a sync.
alter table sync_request add column requested_by text not null default '';
