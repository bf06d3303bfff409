-- Who is signed in to the console; of the cookie only its SHA-256 is here.
create table console_session (
    token_hash bytea primary key,
    who text not null,
    role text not null check (role in ('viewer', 'editor')),
    -- the admin key or the password that it began with; it ends with that
    key_id text,
    mark text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    check ((key_id is null) <> (mark is null))
);
create index console_session_expires on console_session (expires_at);
