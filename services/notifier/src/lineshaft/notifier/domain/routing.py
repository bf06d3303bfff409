"""Which endpoints want which events."""

from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "lineshaft."


@dataclass(frozen=True, slots=True)
class Endpoint:
    endpoint_id: str
    event_types: frozenset[str]
    connection_ids: frozenset[str]

    def wants(self, event_type: str, connection_ids: Iterable[str]) -> bool:
        """Empty choices mean all; of an event about several connections one that was chosen is enough."""
        return (not self.event_types or event_type in self.event_types) and (
            not self.connection_ids or not self.connection_ids.isdisjoint(connection_ids)
        )


def webhook_type(event_type: str) -> str:
    """`lineshaft.connection.recovered` is `connection.recovered` to a receiver."""
    return event_type.removeprefix(PREFIX)
