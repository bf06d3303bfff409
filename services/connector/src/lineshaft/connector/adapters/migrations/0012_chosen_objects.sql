-- Of what the system offers, the objects that are read; null: all.
alter table connection add column objects jsonb;
