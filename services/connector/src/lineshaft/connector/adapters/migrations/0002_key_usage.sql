-- The id of the key that a secret is sealed with stands at its beginning.
alter table credential add column key_id text generated always as
    (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored;
create index credential_key on credential (key_id, credential_id) where key_id is not null;

alter table session add column key_id text generated always as
    (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored;
create index session_key on session (key_id, credential_id) where key_id is not null;

create view key_usage_view as
select 'credential' as table_name, key_id, count(*) as rows
from credential where key_id is not null group by key_id
union all
select 'session' as table_name, key_id, count(*) as rows
from session where key_id is not null group by key_id;
grant select on key_usage_view to lineshaft_api;
