-- The last network ladder of each connection.
create table ladder (
    connection_id text primary key,
    at timestamptz not null,
    document jsonb not null
);
create view ladder_view as select connection_id, at, document from ladder;
grant select on ladder_view to lineshaft_api;
