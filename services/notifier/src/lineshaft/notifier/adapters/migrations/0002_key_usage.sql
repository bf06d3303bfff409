-- The id of the key that a secret is sealed with stands at its beginning.
alter table webhook_secret add column key_id text generated always as
    (encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape')) stored;
create index webhook_secret_key on webhook_secret (key_id, secret_id);

create view key_usage_view as
select 'webhook_secret' as table_name, key_id, count(*) as rows from webhook_secret group by key_id;
grant select on key_usage_view to lineshaft_api;
