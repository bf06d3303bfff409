-- How the source of a connection is reached and how often: what an operator has set. The latest row counts.
-- `api` inserts, perhaps before the connection is there, and cannot read the proxy's password back.
create table network (
    network_id text primary key,
    connection_id text not null,
    sealed bytea,
    proxy text,
    ca_certificate text,
    requests_per_minute integer,
    created_at timestamptz not null default now(),
    created_by text not null,
    key_id text generated always as
        (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored
);
create index network_of_connection on network (connection_id, created_at desc, network_id desc);
create index network_key on network (key_id, network_id) where key_id is not null;
grant insert (network_id, connection_id, sealed, proxy, ca_certificate, requests_per_minute, created_by)
    on network to lineshaft_api;

create view network_view as
select distinct on (connection_id)
    connection_id, proxy, ca_certificate, requests_per_minute, created_at, created_by
from network
order by connection_id, created_at desc, network_id desc;
grant select on network_view to lineshaft_api;

-- Requests that a connection may make now; `filled_at` is when the bucket was last reckoned.
create unlogged table budget (
    connection_id text primary key,
    tokens double precision not null,
    filled_at timestamptz not null
);

create or replace view key_usage_view as
select 'credential' as table_name, key_id, count(*) as rows
from credential where key_id is not null group by key_id
union all
select 'session' as table_name, key_id, count(*) as rows
from session where key_id is not null group by key_id
union all
select 'oauth_client' as table_name, key_id, count(*) as rows
from oauth_client where key_id is not null group by key_id
union all
select 'network' as table_name, key_id, count(*) as rows
from network where key_id is not null group by key_id;
