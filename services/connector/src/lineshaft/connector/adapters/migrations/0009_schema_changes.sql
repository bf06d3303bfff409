-- What somebody has accepted an object to be, and what is otherwise since.
alter table object_schema
add column accepted jsonb,
add column changes jsonb not null default '[]',
add column changed_at timestamptz;

-- What follows when an object changes; without a row it is offered.
create table drift_policy (
    connection_id text not null references connection on delete cascade,
    object text not null,
    policy text not null check (policy in ('offer', 'hold', 'ignore')),
    changed_at timestamptz not null default now(),
    changed_by text not null,
    primary key (connection_id, object)
);

create or replace view schema_view as
select connection_id, object, fields, described_at, changes, changed_at from object_schema;

create view drift_policy_view as
select connection_id, object, policy, changed_at, changed_by from drift_policy;
grant select on drift_policy_view to lineshaft_api;
