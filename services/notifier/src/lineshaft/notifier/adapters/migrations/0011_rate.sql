-- How often an endpoint may be asked; 0: any number. The bucket fills with time, for all replicas together.
alter table endpoint
    add column max_per_second double precision not null default 0,
    add column tokens double precision not null default 1,
    add column tokens_at timestamptz not null default now();
