-- The trace of the request that a sync was made for.
alter table sync add column traceparent text;
