-- Of what the system offers, the objects that are read; null: all.
alter table connection add column objects jsonb;

-- Whether the customer looks at what is read before the connection is made, and is about to.
alter table link_session
    add column chooses boolean not null default false,
    drop constraint link_session_state_check,
    add constraint link_session_state_check check (state in ('open', 'verifying', 'choosing', 'completed'));
