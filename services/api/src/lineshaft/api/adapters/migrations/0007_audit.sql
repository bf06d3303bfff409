-- Every change that somebody made through the API or the console. A deleted connection's values are taken out.
create table audit_entry (
    audit_id text primary key,
    at timestamptz not null,
    -- a key's id, the name somebody signed in with, or `customer`
    actor text not null,
    action text not null,
    connection_id text,
    -- what of it: an entity, an endpoint, an object
    subject text not null default '',
    before jsonb,
    after jsonb
);
create index audit_entry_connection on audit_entry (connection_id, audit_id);
create index audit_entry_actor on audit_entry (actor, audit_id);
