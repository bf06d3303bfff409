"""Where a page of an OData service begins.

After a page with a `next` link, the link; else the key of its last record. Keys hold while records come and
go, which `$skip` does not. A page without a link that is not full may have been cut all the same, so the last
one is that which holds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineshaft.connector.adapters.protocols.window import Window


@dataclass(frozen=True, slots=True)
class Place:
    link: str | None = None
    """Path and query of the page, below the service's address."""
    after: Sequence[Any] | None = None
    """The key of the last record that was read."""
    again: bool = False
    """This read began anew because a link was no longer valid."""

    @classmethod
    def of(cls, window: Window) -> "Place":
        return cls(**(window.position or {}))

    def dump(self) -> dict[str, Any]:
        return {"link": self.link, "after": self.after, "again": self.again}

    @property
    def may_restart(self) -> bool:
        return self.link is not None and not self.again


def restarted(window: Window) -> Window:
    """The whole read once more, for a link that the source has forgotten."""
    return Window(window.since, window.began, Place(again=True).dump())
