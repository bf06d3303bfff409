"""What is wrong and what to do, where a rung or a code says more than the fault."""

from lineshaft.common.outcomes import Rung

NETWORK_WORDS: dict[Rung | None, tuple[str, str]] = {
    Rung.DNS: (
        "its host name does not resolve",
        "Check the address of the system and, where it is internal, the DNS of the network we call from.",
    ),
    Rung.TCP: (
        "its port does not accept connections",
        "Check that the system runs, and that the firewall lets our calls to this host and port through.",
    ),
    Rung.TLS: (
        "no secure connection can be made with it",
        "Check the certificate of the system: its end date, its host name and its chain.",
    ),
    Rung.PROXY: (
        "the proxy in between refuses the connection",
        "Check that the proxy allows connections to this host and port.",
    ),
    Rung.TIMEOUT: (
        "it does not answer in time",
        "Check the load of the system, and for a firewall that drops packets silently.",
    ),
    Rung.HTTP: (
        "what answers does not speak the expected protocol",
        "Check the address of the system, and for a login or error page of a proxy in between.",
    ),
    None: ("it cannot be reached", "Check that the system runs and can be reached from our network."),
}

OWN_NETWORK_ACTION = (
    "The operator of Lineshaft checks the network, the DNS and the proxy that the connector calls through. "
    "Nobody else has to do anything."
)

CREDENTIAL_WORDS: dict[str, tuple[str, str]] = {
    "": (
        "no longer accepts the credentials of this connection",
        "Open the reconnect link and enter the current credentials. Nothing else has to be set up again.",
    ),
    "account_locked": (
        "has locked the account of this connection",
        "An administrator unlocks the account. Then open the reconnect link and enter its credentials.",
    ),
    "account_expired": (
        "says that the account of this connection has expired",
        "An administrator extends the account. Then open the reconnect link and enter its credentials.",
    ),
    "password_expired": (
        "says that the password of this connection has expired",
        "Set a new password there, then open the reconnect link and enter it.",
    ),
    "grant_revoked": (
        "says that its consent to this connection was withdrawn or has ended",
        "Open the reconnect link and give consent again.",
    ),
    "key_expired": (
        "says that the key of this connection has ended",
        "Make a new key there, then open the reconnect link and enter it.",
    ),
    "second_factor_required": (
        "wants a second factor, which a service cannot give",
        "Give this connection an account or a key for services, then open the reconnect link and enter it.",
    ),
}
"""By the code that the adapter gives; the empty one is for all others."""
LOCKING = frozenset({"login_locked"})
"""Codes of a rate limit that is a lock after wrong passwords."""
