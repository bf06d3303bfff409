"""One connection's bad data stops that connection; bad data of several at once stops the consumer.

1. Records set aside are counted per connection. Many within WINDOW pause the connection: what it sends is
   set aside unseen, in order, so that its neighbours do not pay for it.
2. After a while the next record is handled again. It works: the pause is over. It does not: a longer one.
3. Several connections paused, and no more of them working: this is no bad data but a fault of ours. The
   consumer stops and keeps its place, instead of setting aside all that there is.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lineshaft.common.errors import DeadLetterError
from lineshaft.common.kafka.record import Record

LIMIT = 20
WINDOW = 60.0
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
SEVERAL = 3


class PausedError(DeadLetterError):
    """Too many records of this connection could not be processed; this one was not tried."""


@dataclass(slots=True)
class _Failing:
    """A connection whose records were set aside lately."""

    times: deque[float] = field(default_factory=deque)
    paused_until: float | None = None
    pause: float = 0.0


class Quarantine:
    """Of one subscription; `clock` counts seconds."""

    def __init__(
        self,
        *,
        limit: int = LIMIT,
        several: int = SEVERAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._several = several
        self._clock = clock
        self._failing: dict[str, _Failing] = {}
        self._working: dict[str, float] = {}

    @property
    def quiet(self) -> bool:
        """Nothing failed lately: nothing needs to be asked or told."""
        return not self._failing

    @property
    def paused(self) -> int:
        """Connections whose records are set aside unseen."""
        return sum(one.paused_until is not None for one in self._failing.values())

    @property
    def at_fault(self) -> bool:
        """It is not their data: several are paused at once, and no more of them work.

        One that has sent nothing since its pause was over says nothing of now.
        """
        since = self._clock() - WINDOW
        working = sum(at > since and not self._is_paused(scope) for scope, at in self._working.items())
        ends = (one.paused_until for one in self._failing.values() if one.paused_until is not None)
        return sum(end > since for end in ends) >= max(self._several, working + 1)

    def holds(self, scope: str | None) -> bool:
        """Whether this connection's next record is set aside unseen."""
        one = self._failing.get(scope) if scope is not None else None
        return one is not None and one.paused_until is not None and self._clock() < one.paused_until

    def failed(self, scope: str | None, count: int = 1) -> bool:
        """Records of this connection were set aside; whether it is paused because of them."""
        if scope is None:
            return False
        now = self._clock()
        one = self._failing.setdefault(scope, _Failing())
        one.times.extend([now] * min(count, self._limit))
        while one.times and one.times[0] <= now - WINDOW:
            one.times.popleft()
        tried_again = one.paused_until is not None
        if not tried_again and len(one.times) < self._limit:
            return False
        one.pause = min(LONGEST_PAUSE, one.pause * 2) if tried_again else FIRST_PAUSE
        one.paused_until = now + one.pause
        one.times.clear()
        return True

    def worked(self, scopes: Iterable[str | None]) -> list[str]:
        """Records of these connections were handled; those whose pause is over.

        One that is held was paused by the very handling that is told here.
        """
        now = self._clock()
        over = []
        for scope in set(scopes):
            if scope is None:
                continue
            self._working[scope] = now
            one = self._failing.get(scope)
            if one is None or self.holds(scope):
                continue
            if one.paused_until is not None:
                over.append(scope)
            if one.paused_until is not None or not one.times or one.times[-1] <= now - WINDOW:
                del self._failing[scope]
        if self.quiet:
            self._working.clear()
        return over

    def _is_paused(self, scope: str) -> bool:
        one = self._failing.get(scope)
        return one is not None and one.paused_until is not None


def scope_of(record: Record) -> str | None:
    """The connection of a record, which its key begins with."""
    if not record.key:
        return None
    return record.key.partition(b"/")[0].decode(errors="replace")
