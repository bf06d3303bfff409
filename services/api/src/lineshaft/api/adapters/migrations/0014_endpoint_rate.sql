alter table webhook_endpoint add column max_per_second double precision not null default 0;
