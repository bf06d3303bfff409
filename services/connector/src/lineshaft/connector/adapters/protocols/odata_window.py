"""Where a read of an OData service stands.

After a page with a `next` link, the link; else, if the page was full, the key of its last record. Keys hold
while records come and go, which `$skip` does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from lineshaft.connector.domain.protocol import Cursor

CLOCK_SKEW = timedelta(minutes=5)
"""Between the source's web server, whose clock we see, and what stamps its records."""


class PageRepeatedError(ValueError):
    """The source leads back to a page that was read before."""


@dataclass(frozen=True, slots=True)
class Window:
    since: datetime | None = None
    began: datetime | None = None
    """The source's time when this read began, from which the next sync goes on."""
    link: str | None = None
    """Path and query of the next page, below the service's address."""
    after: Sequence[Any] | None = None
    """The key of the last record that was read."""
    count: int = 0
    """Records read since the last address of our own: a server may cut what one asks for into pages."""
    again: bool = False
    """This read began anew because a link was no longer valid."""
    mark: str | None = None
    steps: int = 0
    power: int = 1

    @classmethod
    def parse(cls, cursor: Cursor | None) -> "Window":
        given = dict(cursor or {})
        for name in ("since", "began"):
            if given.get(name):
                given[name] = datetime.fromisoformat(given[name])
        return cls(**given)

    def begun(self, at: datetime) -> "Window":
        return self if self.began is not None else replace(self, began=at)

    @property
    def may_restart(self) -> bool:
        return self.link is not None and not self.again

    def restarted(self) -> "Window":
        """The whole read once more, for a link that the source has forgotten."""
        return Window(self.since, self.began, again=True)

    def followed(self, link: str, count: int) -> "Window":
        """Go on at a link. A cycle of any length is found by Brent's method, which keeps one link in mind.

        Raises:
            PageRepeatedError: it was followed before.
        """
        digest = blake2b(link.encode(), digest_size=8).hexdigest()
        if digest == self.mark:
            raise PageRepeatedError(PageRepeatedError.__doc__)
        ahead = replace(self, link=link, after=None, count=self.count + count, steps=self.steps + 1)
        if ahead.mark is None or ahead.steps == ahead.power:
            return replace(ahead, mark=digest, steps=0, power=ahead.power * 2)
        return ahead

    def passed(self, key: Sequence[Any]) -> "Window":
        """Go on behind a key.

        Raises:
            PageRepeatedError: that is where this page began.
        """
        if self.after is not None and list(key) == list(self.after):
            raise PageRepeatedError(PageRepeatedError.__doc__)
        return Window(self.since, self.began, after=list(key), again=self.again)

    def dump(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat() if self.since else None,
            "began": self.began.isoformat() if self.began else None,
            "link": self.link,
            "after": self.after,
            "count": self.count,
            "again": self.again,
            "mark": self.mark,
            "steps": self.steps,
            "power": self.power,
        }

    def next_sync(self, overlap_s: int) -> dict[str, Any] | None:
        if self.began is None:
            return None
        return {"since": (self.began - CLOCK_SKEW - timedelta(seconds=overlap_s)).isoformat()}
