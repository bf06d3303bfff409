-- A range of events to be delivered once more; `cursor_at` and `cursor_id` are the last event that was queued.
create table replay (
    replay_id text primary key,
    endpoint_id text not null,
    since timestamptz not null,
    until timestamptz not null,
    event_types text[] not null,
    connection_ids text[] not null,
    only_undelivered boolean not null,
    per_second double precision not null,
    state text not null default 'running',
    total bigint not null,
    passed bigint not null default 0,
    queued bigint not null default 0,
    cursor_at timestamptz not null default '-infinity',
    cursor_id text not null default '',
    all_queued boolean not null default false,
    created_at timestamptz not null,
    worked_at timestamptz not null,
    next_at timestamptz not null,
    completed_at timestamptz
);
create index replay_running on replay (next_at) where state = 'running';

alter table delivery add column replay_id text;
create index delivery_replay on delivery (replay_id, state) where replay_id is not null;

create view replay_view as
    select replay_id, endpoint_id, since, until, event_types, connection_ids, only_undelivered, per_second,
        state, total, passed, queued, counts.delivered, counts.given_up, counts.due, created_at, completed_at
    from replay cross join lateral (
        select count(*) filter (where state = 'delivered') as delivered,
            count(*) filter (where state = 'given_up') as given_up,
            count(*) filter (where state = 'due') as due
        from delivery where delivery.replay_id = replay.replay_id
    ) as counts;
grant select on replay_view to lineshaft_api;
