"""Which endpoints want which events."""

from dataclasses import dataclass

PREFIX = "lineshaft."


@dataclass(frozen=True, slots=True)
class Endpoint:
    endpoint_id: str
    event_types: frozenset[str]
    connection_ids: frozenset[str]

    def wants(self, event_type: str, connection_id: str | None) -> bool:
        """Empty choices mean all."""
        return (not self.event_types or event_type in self.event_types) and (
            not self.connection_ids or connection_id in self.connection_ids
        )


def webhook_type(event_type: str) -> str:
    """`lineshaft.connection.recovered` is `connection.recovered` to a receiver."""
    return event_type.removeprefix(PREFIX)
