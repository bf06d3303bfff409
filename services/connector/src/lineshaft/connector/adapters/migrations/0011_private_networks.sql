-- Private networks that the source of this connection alone may stand in.
alter table network add column private_networks text[] not null default '{}';
grant insert (private_networks) on network to lineshaft_api;

create or replace view network_view as
select distinct on (connection_id)
    connection_id, proxy, ca_certificate, requests_per_minute, created_at, created_by, private_networks
from network
order by connection_id, created_at desc, network_id desc;
