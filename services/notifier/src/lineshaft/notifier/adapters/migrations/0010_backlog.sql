-- Since when the oldest delivery of an endpoint waits that should be on its way.
create or replace view endpoint_state_view as
    select endpoint_id, disabled_at, disabled_reason, failing_since, last_failed_at, failures, warned,
        (
            select min(due_at) from delivery
            where delivery.endpoint_id = endpoint.endpoint_id and state = 'due' and due_at <= now()
        ) as oldest_due_at
    from endpoint;
