-- Refusals of several connections at once; and each connection is looked at once, for probes that are new.
alter table state add column rejected_since timestamptz;
create index state_rejected on state (system, rejected_since) where rejected_since is not null;
update state set due_at = now() where due_at is null and described is not null;
