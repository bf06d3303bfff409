-- A customer who was sent to a system to log in there, until they come back; once.
create table consent (
    session_id text primary key references link_session on delete cascade,
    state_hash bytea not null unique,
    sealed bytea not null,
    expires_at timestamptz not null,
    key_id text generated always as
        (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored
);
create index consent_key on consent (key_id, session_id);
create index consent_expires on consent (expires_at);

create or replace view key_usage_view as
select 'link_session' as table_name, key_id, count(*) as rows
from link_session where key_id is not null group by key_id
union all
select 'consent' as table_name, key_id, count(*) as rows
from consent group by key_id;
