-- The trace that an event belongs to.
alter table event add column traceparent text;
