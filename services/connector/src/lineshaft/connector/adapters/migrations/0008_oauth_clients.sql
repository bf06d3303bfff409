-- As whom the customers of a system log in there: the operator's registration with it. The latest row of a
-- system counts; one without a client withdraws. `api` inserts and cannot read the secret back.
create table oauth_client (
    registration_id text primary key,
    system text not null,
    client_id text,
    sealed bytea,
    created_at timestamptz not null default now(),
    created_by text not null,
    key_id text generated always as
        (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored
);
create index oauth_client_of_system on oauth_client (system, created_at desc, registration_id desc);
create index oauth_client_key on oauth_client (key_id, registration_id) where key_id is not null;
grant insert (registration_id, system, client_id, sealed, created_by) on oauth_client to lineshaft_api;

create view oauth_client_view as
select * from (
    select distinct on (system)
        system, client_id, sealed is not null as has_secret, created_at, created_by
    from oauth_client
    order by system, created_at desc, registration_id desc
) latest
where client_id is not null;
grant select on oauth_client_view to lineshaft_api;

create or replace view key_usage_view as
select 'credential' as table_name, key_id, count(*) as rows
from credential where key_id is not null group by key_id
union all
select 'session' as table_name, key_id, count(*) as rows
from session where key_id is not null group by key_id
union all
select 'oauth_client' as table_name, key_id, count(*) as rows
from oauth_client where key_id is not null group by key_id;
