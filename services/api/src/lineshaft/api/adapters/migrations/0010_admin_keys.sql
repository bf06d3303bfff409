-- Admin keys have names, scopes and an end; the one of the settings has all scopes and is changed there.
alter table api_key
    add column scopes text[] not null default '{read,connect,manage}',
    add column from_settings boolean not null default false,
    add column created_by text not null default '',
    add column revoked_at timestamptz,
    -- the key that was made in its place
    add column replaced_by text;
update api_key set from_settings = true where kind = 'admin' and label = 'LINESHAFT_ADMIN_KEY';
