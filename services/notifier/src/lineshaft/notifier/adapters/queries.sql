-- name: routing_shared
-- Held while deliveries are made from the endpoints that are known.
select pg_advisory_xact_lock_shared(hashtext(current_schema() || '.routing'));

-- name: routing_exclusive
-- Held while an endpoint changes, so that it misses no event and no event misses it.
select pg_advisory_xact_lock(hashtext(current_schema() || '.routing'));

-- name: list_endpoints
-- Endpoints that take deliveries.
select endpoint_id, event_types, connection_ids from endpoint where enabled and not deleted;

-- name: save_endpoint
-- A newer description; a change by its owner ends what its own answers brought about.
insert into endpoint (
    endpoint_id, url, event_types, connection_ids, enabled, deleted, revision, known_since, changed_at, ordered,
    max_per_second
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
on conflict (endpoint_id) do update set
    url = excluded.url,
    event_types = excluded.event_types,
    connection_ids = excluded.connection_ids,
    enabled = excluded.enabled,
    deleted = excluded.deleted,
    revision = excluded.revision,
    changed_at = excluded.changed_at,
    ordered = excluded.ordered,
    max_per_second = excluded.max_per_second,
    disabled_at = null,
    disabled_reason = null,
    failing_since = null,
    last_failed_at = null,
    failures = 0,
    warned = 0
where endpoint.revision < excluded.revision
returning known_since = changed_at as is_new;

-- name: cancel_deliveries
-- Nothing more goes to an endpoint that was deleted.
update delivery set state = 'cancelled', next_attempt_at = null, due_at = null
where endpoint_id = $1 and state = 'due';

-- name: delete_secrets
-- Nor are its secrets kept.
delete from webhook_secret where endpoint_id = $1;

-- name: events_since
-- What happened after an endpoint was made and before we heard of it.
select event_id, event_type, connection_id, at, concerned from event where at >= $1;

-- name: save_connection
-- A newer description.
insert into connection (connection_id, system, metadata, revision, deleted) values ($1, $2, $3, $4, $5)
on conflict (connection_id) do update set
    system = excluded.system, metadata = excluded.metadata, revision = excluded.revision,
    deleted = excluded.deleted
where connection.revision < excluded.revision and not connection.deleted;

-- name: bury_connection
-- Of a purged connection only that it was.
insert into connection (connection_id, system, metadata, revision, deleted) values ($1, '', '{}', 0, true)
on conflict (connection_id) do update set system = '', metadata = '{}', deleted = true;

-- name: connections
-- What the vendor keeps with each connection.
select connection_id, metadata from connection where connection_id = any($1::text[]);

-- name: add_events
-- What there is to tell; those that were not there yet.
insert into event (event_id, event_type, connection_id, at, data, concerned, traceparent)
select event_id, event_type, connection_id, at, data,
    array(select jsonb_array_elements_text(concerned -> 'ids')), traceparent
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::jsonb[], $7::text[])
    as new (event_id, event_type, connection_id, at, data, concerned, traceparent)
on conflict do nothing
returning event_id;

-- name: add_deliveries
-- One per endpoint and event, however often it is asked for.
insert into delivery (
    delivery_id, webhook_id, endpoint_id, event_id, event_type, connection_id, next_attempt_at, due_at
)
select delivery_id, webhook_id, endpoint_id, event_id, event_type, connection_id, $7, $7
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    with ordinality as new (delivery_id, webhook_id, endpoint_id, event_id, event_type, connection_id, place)
order by place
on conflict do nothing;

-- name: redeliver
-- From the first try on, at once; one that is being sent this moment is left to its sender.
update delivery set
    state = 'due',
    tries = 0,
    deferrals = 0,
    first_tried_at = null,
    delivered_at = null,
    next_attempt_at = $2,
    due_at = case when state = 'due' and due_at > next_attempt_at then due_at else $2 end
where delivery_id = $1
returning delivery_id, endpoint_id, connection_id;

-- name: wake_senders
-- Something may be due sooner than they expect; takes effect with the commit.
select pg_notify('delivery_' || current_schema(), '');

-- name: endpoint_exists
-- Whether a test can be sent.
select true from endpoint where endpoint_id = $1 and not deleted;

-- name: lease
-- The oldest due deliveries of each endpoint, as many as its lane has room for and its rate allows.
with paced as (
    select endpoint_id, least(
        greatest(1, max_per_second),
        tokens + max_per_second * greatest(0, extract(epoch from $1 - tokens_at)::float)
    ) as tokens
    from endpoint
    where max_per_second > 0 and enabled and not deleted and disabled_at is null
    for update skip locked
),
chosen as (
    select open.endpoint_id, picked.delivery_id
    from (
        select endpoint_id, ordered, max_per_second from endpoint
        where enabled and not deleted and disabled_at is null and exists (
            select from delivery
            where delivery.endpoint_id = endpoint.endpoint_id and state = 'due' and due_at <= $1
        )
        order by random()
    ) as open
    left join unnest($2::text[], $3::int[]) as busy (endpoint_id, taken) using (endpoint_id)
    left join paced using (endpoint_id)
    cross join lateral (
        select delivery_id from delivery
        where delivery.endpoint_id = open.endpoint_id and state = 'due' and due_at <= $1
            and (not open.ordered or connection_id is null or not exists (
                select from delivery as earlier
                where earlier.endpoint_id = open.endpoint_id
                    and earlier.connection_id = delivery.connection_id
                    and earlier.state = 'due' and earlier.sequence < delivery.sequence
            ))
        order by due_at
        limit greatest(0, least(
            $4::int - coalesce(busy.taken, 0),
            case when open.max_per_second > 0 then coalesce(floor(paced.tokens), 0)::int end
        ))
        for update skip locked
    ) as picked
    limit $5
),
spent as (
    update endpoint set tokens = paced.tokens - spent.deliveries, tokens_at = $1
    from paced
    join (select endpoint_id, count(*) as deliveries from chosen group by endpoint_id) as spent using (endpoint_id)
    where endpoint.endpoint_id = paced.endpoint_id
)
update delivery set due_at = $6, lease_epoch = lease_epoch + 1
from chosen, endpoint, event
where delivery.delivery_id = chosen.delivery_id
    and endpoint.endpoint_id = delivery.endpoint_id
    and event.event_id = delivery.event_id
returning delivery.delivery_id, delivery.webhook_id, delivery.endpoint_id, delivery.connection_id,
    delivery.event_type, delivery.lease_epoch, delivery.tries, delivery.deferrals, delivery.first_tried_at,
    delivery.attempts, endpoint.url, endpoint.ordered, event.at as event_at, event.data,
    event.traceparent;

-- name: secrets
-- Sealed signing secrets of some endpoints.
select secret_id, endpoint_id, sealed, created_at, expires_at from webhook_secret
where endpoint_id = any($1::text[]);

-- name: forget_secrets
-- Those that sign no more: ended, or replaced longer ago than old ones go on.
delete from webhook_secret as old
where expires_at <= now() or exists (
    select from webhook_secret as newer
    where newer.endpoint_id = old.endpoint_id and newer.created_at + $1::interval <= now()
        and (newer.created_at, newer.secret_id) > (old.created_at, old.secret_id)
);

-- name: next_due
-- When the next delivery becomes due.
select min(due_at) from delivery where state = 'due' and due_at > $1;

-- name: release
-- Leases given back unused.
update delivery set due_at = next_attempt_at
from unnest($1::text[], $2::int[]) as unused (delivery_id, lease_epoch)
where delivery.delivery_id = unused.delivery_id and delivery.lease_epoch = unused.lease_epoch
    and state = 'due';

-- name: postpone
-- Not sent, for a reason that is ours; it uses up no try.
update delivery set next_attempt_at = $3, due_at = $3, last_error = $4
from unnest($1::text[], $2::int[]) as held (delivery_id, lease_epoch)
where delivery.delivery_id = held.delivery_id and delivery.lease_epoch = held.lease_epoch and state = 'due';

-- name: record
-- What tries came to. A failure counts only under the lease that it was made with; a success always.
with new as (
    select * from unnest(
        $1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::timestamptz[],
        $7::double precision[], $8::int[], $9::text[], $10::text[]
    ) as new (
        delivery_id, lease_epoch, state, next_attempt_at, deferred, at, duration_ms, status, error,
        response_body
    )
), updated as (
    update delivery set
        state = new.state,
        attempts = attempts + 1,
        tries = tries + 1 - new.deferred,
        deferrals = deferrals + new.deferred,
        first_tried_at = coalesce(first_tried_at, new.at),
        next_attempt_at = new.next_attempt_at,
        due_at = new.next_attempt_at,
        delivered_at = case when new.state = 'delivered' then new.at end,
        last_status = new.status,
        last_error = new.error
    from new
    where delivery.delivery_id = new.delivery_id
        and delivery.state = 'due'
        and (delivery.lease_epoch = new.lease_epoch or new.state = 'delivered')
    returning delivery.delivery_id, delivery.attempts
)
insert into attempt (delivery_id, number, at, duration_ms, status, error, response_body)
select delivery_id, updated.attempts, at, duration_ms, status, error, response_body
from updated join new using (delivery_id)
returning delivery_id, number;

-- name: disable_endpoints
-- The receiver said that it is gone.
update endpoint set disabled_at = $2, disabled_reason = $3
where endpoint_id = any($1::text[]) and disabled_at is null
returning endpoint_id, failing_since;

-- name: tally_endpoints
-- What a batch of tries says of their endpoints; a healthy one that took everything is left as it is.
update endpoint set
    failing_since = case
        when taken or failing_since is null then first_failed_at else least(failing_since, first_failed_at)
    end,
    last_failed_at = case when taken then new.last_at else greatest(last_failed_at, new.last_at) end,
    failures = case when taken then 0 else endpoint.failures end + new.failures,
    warned = case when taken then 0 else warned end
from unnest($1::text[], $2::boolean[], $3::int[], $4::timestamptz[], $5::timestamptz[])
    as new (endpoint_id, taken, failures, first_failed_at, last_at)
where endpoint.endpoint_id = new.endpoint_id and (new.failures > 0 or failing_since is not null);

-- name: failing_endpoints
-- Endpoints that have taken nothing for a while, and are still sent to.
select endpoint_id, failing_since, last_failed_at, warned, failures from endpoint
where failing_since <= $1 and disabled_at is null and enabled and not deleted
order by endpoint_id
for update skip locked;

-- name: warn_endpoint
-- Its owner was told.
update endpoint set warned = $2 where endpoint_id = $1;

-- name: cancel_abandoned
-- What waits for an endpoint that has been disabled for longer than history is kept.
update delivery set
    state = 'cancelled', next_attempt_at = null, due_at = null, last_error = 'the endpoint stayed disabled'
from endpoint
where delivery.endpoint_id = endpoint.endpoint_id and state = 'due'
    and delivery.created_at < now() - $1::interval
    and (disabled_at < now() - $1::interval or not enabled and changed_at < now() - $1::interval);

-- name: count_due
-- How many wait, and since when the oldest should have gone.
select count(*) as deliveries,
    coalesce(extract(epoch from max(now() - least(next_attempt_at, now()))), 0) as oldest
from delivery where state = 'due';

-- name: forget
-- Events before the retention, with their deliveries and attempts, unless one is still due.
delete from event where at < now() - $1::interval and not exists (
    select from delivery where delivery.event_id = event.event_id and state = 'due'
);

-- name: supersede
-- Calls for reconnecting that failed for a while, at endpoints that are told of the recovery instead.
update delivery as old set
    state = 'cancelled', next_attempt_at = null, due_at = null,
    last_error = 'superseded: the connection has recovered'
from unnest($1::text[], $2::text[], $3::text[], $4::text[])
        as recovery (endpoint_id, connection_id, issue_id, event_id),
    event
where old.endpoint_id = recovery.endpoint_id and old.connection_id = recovery.connection_id
    and old.event_type = 'connection.reauthorization_required' and old.state = 'due'
    and old.due_at = old.next_attempt_at and old.attempts > 0
    and event.event_id = old.event_id and event.data ->> 'issue_id' = recovery.issue_id and event.at < $5
returning old.delivery_id, old.endpoint_id, old.connection_id, old.event_type, old.attempts,
    event.at as event_at, recovery.event_id as superseded_by;

-- name: endpoint_choice
-- What an endpoint gets.
select event_types, connection_ids from endpoint where endpoint_id = $1 and not deleted;

-- name: add_replay
-- Once, however often it is asked for.
insert into replay (
    replay_id, endpoint_id, since, until, event_types, connection_ids, only_undelivered, per_second,
    created_at, worked_at, next_at, total
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, 0
on conflict do nothing;

-- name: count_replay
-- How many events it is about.
update replay set total = (
    select count(*) from event
    where event.at >= replay.since and event.at < replay.until and event_type <> 'endpoint.test'
        and (cardinality(replay.event_types) = 0 or event_type = any(replay.event_types))
        and (
            cardinality(replay.connection_ids) = 0 or connection_id = any(replay.connection_ids)
            or concerned && replay.connection_ids
        )
)
where replay_id = $1
returning total;

-- name: cancel_replay
-- Nothing more of it is queued.
update replay set state = 'cancelled', completed_at = $2
where replay_id = $1 and state = 'running'
returning endpoint_id;

-- name: take_replay
-- The one that is due first, of an endpoint that takes deliveries.
select replay_id, endpoint_id, since, until, only_undelivered, per_second, worked_at, all_queued,
    (select count(*) from delivery where delivery.replay_id = replay.replay_id and state = 'due')
        as outstanding
from replay join endpoint using (endpoint_id)
where replay.state = 'running' and replay.next_at <= $1
    and endpoint.enabled and endpoint.disabled_at is null and not endpoint.deleted
order by next_at
limit 1
for update of replay skip locked;

-- name: replay_events
-- The next of its events.
select event.event_id, event.event_type, event.connection_id, event.at
from event, replay
where replay.replay_id = $1 and (event.at, event.event_id) > (replay.cursor_at, replay.cursor_id)
    and event.at >= replay.since and event.at < replay.until and event_type <> 'endpoint.test'
    and (cardinality(replay.event_types) = 0 or event_type = any(replay.event_types))
    and (
        cardinality(replay.connection_ids) = 0 or connection_id = any(replay.connection_ids)
        or concerned && replay.connection_ids
    )
order by event.at, event.event_id
limit $2;

-- name: queue_replay
-- Made due once more; one that is due already is left as it is.
insert into delivery (
    delivery_id, webhook_id, endpoint_id, event_id, event_type, connection_id, next_attempt_at, due_at, replay_id
)
select delivery_id, webhook_id, $7, event_id, event_type, connection_id, $8, $8, $9
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    with ordinality as new (delivery_id, webhook_id, event_id, event_type, connection_id, place)
order by place
on conflict (endpoint_id, event_id) do update set
    state = 'due', tries = 0, deferrals = 0, first_tried_at = null, delivered_at = null,
    next_attempt_at = $8, due_at = $8, replay_id = $9
where delivery.state <> 'due' and not ($6 and delivery.state = 'delivered')
returning delivery_id;

-- name: move_replay
-- What was queued, and how far it came.
update replay set
    cursor_at = coalesce($2, cursor_at),
    cursor_id = coalesce($3, cursor_id),
    passed = passed + $4,
    queued = queued + $5,
    all_queued = $6,
    worked_at = $7,
    next_at = $8
where replay_id = $1;

-- name: rest_replay
-- Nothing can be queued at the moment.
update replay set next_at = $2 where replay_id = $1;

-- name: complete_replay
-- Everything of it has ended.
update replay set state = 'completed', completed_at = $2 where replay_id = $1 and state = 'running'
returning replay_id, endpoint_id, since, until, queued,
    (select count(*) from delivery where replay_id = $1 and state = 'delivered') as delivered,
    (select count(*) from delivery where replay_id = $1 and state = 'given_up') as given_up;

-- name: cancel_replays_of
-- Those of an endpoint that was deleted.
update replay set state = 'cancelled', completed_at = now() where endpoint_id = $1 and state = 'running';

-- name: forget_replays
-- Those that ended before the retention.
delete from replay where completed_at < now() - $1::interval;

-- name: deleted_connections
-- Those of some connections that are no more.
select connection_id from connection where connection_id = any($1::text[]) and deleted;

-- name: count_deliveries
-- Of a connection that is about to be purged, with their attempts.
select count(distinct delivery_id) as deliveries, count(attempt.delivery_id) as attempts
from delivery left join attempt using (delivery_id)
where connection_id = $1;

-- name: purge_event
-- With their deliveries and attempts; its last word stays until it is delivered.
delete from event where connection_id = $1 and event_type <> 'connection.disconnected';

-- name: purge_alert
delete from alert where connection_id = $1 and event_type <> 'connection.disconnected';

-- name: purge_last_words
-- Those of deleted connections that were delivered, or that nobody is told.
delete from event using connection
where event.connection_id = connection.connection_id and deleted and not exists (
    select from delivery where delivery.event_id = event.event_id and state = 'due'
);

-- name: purge_last_alerts
-- The same, of people.
delete from alert using connection
where alert.connection_id = connection.connection_id and connection.deleted and message_id is not null
    and message_id not in (select message_id from alert_message where state = 'due');

-- name: save_alert_channel
-- A newer description.
insert into alert_channel (
    channel_id, event_types, urgent_event_types, systems, connection_ids, metadata, quiet_hours, group_seconds,
    enabled, deleted, revision
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (channel_id) do update set
    event_types = excluded.event_types,
    urgent_event_types = excluded.urgent_event_types,
    systems = excluded.systems,
    connection_ids = excluded.connection_ids,
    metadata = excluded.metadata,
    quiet_hours = excluded.quiet_hours,
    group_seconds = excluded.group_seconds,
    enabled = excluded.enabled,
    deleted = excluded.deleted,
    revision = excluded.revision
where alert_channel.revision < excluded.revision
returning deleted;

-- name: delete_alerts_of
-- Nothing more goes to a channel that was deleted.
delete from alert where channel_id = $1 and message_id is null;

-- name: cancel_alert_messages_of
-- The same, of what was on its way.
update alert_message set state = 'cancelled', due_at = null where channel_id = $1 and state = 'due';

-- name: delete_alert_secrets
-- Nor is its address kept.
delete from alert_secret where channel_id = $1;

-- name: alert_channels
-- Those that are told.
select channel_id, event_types, urgent_event_types, systems, connection_ids, metadata, quiet_hours, group_seconds
from alert_channel where enabled and not deleted;

-- name: alert_channel
-- One, enabled or not.
select channel_id, event_types, urgent_event_types, systems, connection_ids, metadata, quiet_hours, group_seconds
from alert_channel where channel_id = $1 and not deleted;

-- name: add_alerts
-- One per channel and event; it joins what waits of its group.
insert into alert (channel_id, event_id, event_type, connection_id, at, data, group_key, due_at)
select channel_id, event_id, event_type, connection_id, at, data, group_key, coalesce((
    select min(waiting.due_at) from alert as waiting
    where waiting.channel_id = new.channel_id and waiting.group_key = new.group_key
        and waiting.message_id is null
), due_at)
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::timestamptz[]
) as new (channel_id, event_id, event_type, connection_id, at, data, group_key, due_at)
on conflict do nothing;

-- name: lock_due_channel
-- One channel with a group whose time has come; others make the messages of others meanwhile.
select channel_id from alert_channel
where enabled and not deleted and exists (
    select from alert
    where alert.channel_id = alert_channel.channel_id and message_id is null and due_at <= $1
)
limit 1
for update skip locked;

-- name: due_groups
-- Its groups.
select distinct group_key from alert where channel_id = $1 and message_id is null and due_at <= $2;

-- name: add_alert_message
-- To be sent at once.
insert into alert_message (message_id, channel_id, created_at, due_at) values ($1, $2, $3, $3);

-- name: put_alerts_in_message
-- All that waits of the group, what has just come included.
update alert set message_id = $3 where channel_id = $1 and group_key = $2 and message_id is null;

-- name: lease_alert_message
-- One due message; due again when the lease ends.
update alert_message set due_at = $2, lease_epoch = lease_epoch + 1, first_tried_at = coalesce(first_tried_at, $1)
where message_id = (
    select message_id from alert_message join alert_channel using (channel_id)
    where state = 'due' and due_at <= $1 and enabled and not deleted and channel_id <> all($3::text[])
    order by due_at
    limit 1
    for update of alert_message skip locked
)
returning message_id, channel_id, attempts, first_tried_at, lease_epoch;

-- name: alerts_of
-- The events of a message.
select event_type, connection_id, at, data from alert where message_id = $1 order by at, event_id;

-- name: newest_alert_secret
-- The address in force.
select secret_id, sealed from alert_secret where channel_id = $1 order by created_at desc, secret_id desc limit 1;

-- name: record_alert
-- What a try came to, unless the lease was lost.
update alert_message set
    state = $3, due_at = $4, attempts = attempts + 1, last_error = $5, delivered_at = $6
where message_id = $1 and lease_epoch = $2 and state = 'due'
returning attempts;

-- name: next_alert
-- When there is something to do.
select least(
    (select min(due_at) from alert where message_id is null),
    (select min(due_at) from alert_message where state = 'due')
);

-- name: forget_alerts
-- Messages that ended before the retention, with their alerts.
delete from alert_message where state <> 'due' and created_at < now() - $1::interval;

-- name: forget_waiting_alerts
-- Those of channels that were switched off all the time.
delete from alert where message_id is null and due_at < now() - $1::interval;

-- name: forget_alert_secrets
-- Addresses that were replaced.
delete from alert_secret as old where exists (
    select from alert_secret as newer
    where newer.channel_id = old.channel_id
        and (newer.created_at, newer.secret_id) > (old.created_at, old.secret_id)
);

