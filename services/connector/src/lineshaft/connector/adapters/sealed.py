"""The sealed rows of this service."""

from lineshaft.common.postgres.sealed import SealedTable
from lineshaft.connector.adapters.credentials import credential_binding, oauth_client_binding
from lineshaft.connector.adapters.networks import network_binding
from lineshaft.connector.adapters.sessions import session_binding

SEALED = (
    SealedTable("credential", "credential_id", credential_binding, owner="connection_id"),
    SealedTable("session", "credential_id", session_binding, owner="connection_id"),
    SealedTable("oauth_client", "registration_id", oauth_client_binding, owner="system"),
    SealedTable("network", "network_id", network_binding, owner="connection_id"),
)
