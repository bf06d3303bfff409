-- The id of the key that a code is sealed with stands at its beginning.
alter table link_session add column key_id text generated always as
    (encode(substring(code_sealed from 2 for get_byte(code_sealed, 0)), 'escape')) stored;
create index link_session_key on link_session (key_id, session_id) where key_id is not null;

create view key_usage_view as
select 'link_session' as table_name, key_id, count(*) as rows
from link_session where key_id is not null group by key_id;
