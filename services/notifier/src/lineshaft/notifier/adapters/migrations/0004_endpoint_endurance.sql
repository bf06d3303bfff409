-- Since when an endpoint has taken nothing: from its first failure after the last delivery.
alter table endpoint
    add column failing_since timestamptz,
    add column last_failed_at timestamptz,
    add column failures bigint not null default 0,
    add column warned int not null default 0;
create index endpoint_failing on endpoint (failing_since) where failing_since is not null;

create or replace view endpoint_state_view as
    select endpoint_id, disabled_at, disabled_reason, failing_since, last_failed_at, failures, warned
    from endpoint;
