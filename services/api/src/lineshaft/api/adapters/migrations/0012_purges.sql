-- What each service was asked to delete of a connection, and its receipt.
create table purge (
    connection_id text not null,
    service text not null,
    command_id text not null unique,
    asked_at timestamptz not null,
    asked_by text not null,
    completed_at timestamptz,
    receipt jsonb,
    primary key (connection_id, service)
);
