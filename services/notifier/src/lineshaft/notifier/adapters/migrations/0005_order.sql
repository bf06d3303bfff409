-- Of one connection an ordered endpoint gets the next only after the one before it has ended.
alter table endpoint add column ordered boolean not null default false;
alter table delivery add column sequence bigint generated always as identity;
create index delivery_order on delivery (endpoint_id, connection_id, sequence) where state = 'due';
