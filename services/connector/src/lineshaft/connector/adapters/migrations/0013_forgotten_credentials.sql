-- Of connections that were ended before their credentials were forgotten with them.
with ended as (
    update credential
    set state = 'retired', sealed = null, ended_at = now()
    from connection
    where connection.connection_id = credential.connection_id and connection.lifecycle = 'disconnected'
        and credential.state = 'active'
    returning credential_id
)
delete from session using ended where session.credential_id = ended.credential_id;
