-- What a list of all connections needs of each: without opening 10,000 documents.
alter table state
    add column described_status text generated always as (described ->> 'status') stored,
    add column described_version int generated always as ((described ->> 'credential_version')::int) stored;

create or replace view status_view as
select connection_id, described as document, last_sync_at, described_status as status,
    described_version as credential_version
from state where described is not null;
