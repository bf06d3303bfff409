-- The default mappings that connections follow; one that differs from the folder's has changed since.
create table default_mapping (
    system text not null,
    entity text not null,
    digest text not null,
    primary key (system, entity)
);
