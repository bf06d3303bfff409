-- Connections that an event is about, where it is about several.
alter table event add column concerned text[] not null default '{}';
