-- Deletions that a complete read has shown and that are too many to be believed without a word.
create table deletion_proposal (
    connection_id text not null,
    object text not null,
    sync_id text not null,
    missing integer not null,
    known integer not null,
    sample text[] not null,
    held_at timestamptz not null default now(),
    approved_at timestamptz,
    approved_by text,
    primary key (connection_id, object)
);

create view deletion_view as
select connection_id, object, sync_id, missing, known, sample, held_at, approved_at, approved_by
from deletion_proposal;
grant select on deletion_view to lineshaft_api;
