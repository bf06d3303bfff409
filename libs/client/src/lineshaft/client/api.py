"""The whole API with an admin key, or one connection's data with its token."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from lineshaft.client import answers
from lineshaft.client.admin_keys import AdminKeys
from lineshaft.client.connection import Connection
from lineshaft.client.records import Records
from lineshaft.client.transport import SECONDS, Transport
from lineshaft.client.webhook_endpoints import WebhookEndpoints


class Lineshaft:
    """Close it, or use it in a `with`. `transport` reaches every route that has no method of its own."""

    def __init__(self, url: str, key: str, *, seconds: float = SECONDS) -> None:
        self.transport = Transport(url, key, seconds=seconds)

    def systems(self) -> list[dict[str, Any]]:
        """What can be connected."""
        answer: list[dict[str, Any]] = self.transport.get("/systems")["data"]
        return answer

    def link(
        self,
        system: str | None = None,
        *,
        systems: Sequence[str] = (),
        redirect_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        label: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> answers.LinkSession:
        """Opens the hosted page for a new customer: send them its `url`.

        Without `system` they choose it there, from `systems` or from all.
        """
        body = {
            "system": system,
            "systems": list(systems),
            "redirect_url": redirect_url,
            "metadata": metadata or {},
            "label": label,
            "settings": settings or {},
        }
        answer: answers.LinkSession = self.transport.send("POST", "/link-sessions", body)
        return answer

    def exchange(self, code: str) -> answers.Token:
        """The token for the code with which the customer came back. Store it: it is given once."""
        answer: answers.Token = self.transport.send("POST", "/link-sessions/exchange", {"code": code})
        return answer

    def connections(self, *, system: str | None = None) -> Iterator[answers.ConnectionDescription]:
        return self.transport.pages("/connections", system=system)

    def fleet(self, *, system: str | None = None, status: str | None = None) -> Iterator[answers.FleetRow]:
        """Every connection with its verdict, what needs attention first."""
        return self.transport.pages("/status/connections", system=system, status=status)

    @property
    def admin_keys(self) -> AdminKeys:
        return AdminKeys(self.transport)

    @property
    def webhook_endpoints(self) -> WebhookEndpoints:
        return WebhookEndpoints(self.transport)

    def connection(self, connection_id: str) -> Connection:
        return Connection(self.transport, connection_id)

    def records(self, route: str) -> Records:
        """With a connection token: that connection's records."""
        return Records(self.transport, route)

    def close(self) -> None:
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
