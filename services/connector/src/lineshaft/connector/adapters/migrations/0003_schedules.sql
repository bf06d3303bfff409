-- What is read by itself, and when next; the object '' stands for all that have no row of their own.
create table schedule (
    connection_id text not null references connection on delete cascade,
    object text not null,
    every_minutes integer,
    full_every_hours integer,
    due_at timestamptz,
    full_due_at timestamptz,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    primary key (connection_id, object)
);
create index schedule_due on schedule (least(due_at, full_due_at));

create view schedule_view as
select connection_id, object, every_minutes, full_every_hours, due_at, full_due_at, changed_at, changed_by
from schedule;
grant select on schedule_view to lineshaft_api;
