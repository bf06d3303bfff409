-- Issues of which nothing is announced for a while.
alter table issue add column muted_until timestamptz;
create or replace view issue_view as
    select connection_id, issue_id, fault, status, scope, objects, opened_at, first_seen_at, last_seen_at,
        count, resolved_at, verdict, announced_at, muted_until
    from issue;
