"""The sealed rows of this service."""

from lineshaft.common.postgres.sealed import SealedTable
from lineshaft.connector.adapters.credentials import credential_binding, oauth_client_binding
from lineshaft.connector.adapters.networks import network_binding
from lineshaft.connector.adapters.postgres import QUERIES
from lineshaft.connector.adapters.sessions import session_binding

SEALED = (
    SealedTable(
        pick=QUERIES["credentials_under_keys"],
        put=QUERIES["credentials_reseal"],
        bound_to=lambda row: credential_binding(row["connection_id"], row["id"]),
    ),
    SealedTable(
        pick=QUERIES["sessions_under_keys"],
        put=QUERIES["sessions_reseal"],
        bound_to=lambda row: session_binding(row["connection_id"], row["id"]),
    ),
    SealedTable(
        pick=QUERIES["oauth_clients_under_keys"],
        put=QUERIES["oauth_clients_reseal"],
        bound_to=lambda row: oauth_client_binding(row["system"], row["id"]),
    ),
    SealedTable(
        pick=QUERIES["networks_under_keys"],
        put=QUERIES["networks_reseal"],
        bound_to=lambda row: network_binding(row["connection_id"], row["id"]),
    ),
)
