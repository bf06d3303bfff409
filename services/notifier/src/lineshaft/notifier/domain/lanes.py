"""One lane per endpoint, so that a slow one holds up nobody but itself."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar


class HasEndpoint(Protocol):
    @property
    def endpoint_id(self) -> str: ...


L = TypeVar("L", bound=HasEndpoint)


class Lanes(Generic[L]):
    """At most `width` of an endpoint run at once; a few more wait their turn in its lane."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[L]] = {}

    def add(self, items: Iterable[L]) -> None:
        for item in items:
            self._waiting.setdefault(item.endpoint_id, deque()).append(item)

    def start(self, endpoint_id: str | None = None) -> list[L]:
        """What may run now, of one endpoint or of all; each counts as running until `finish`."""
        started = []
        for name in [endpoint_id] if endpoint_id is not None else list(self._waiting):
            lane = self._waiting.get(name)
            while lane and self._running[name] < self._width:
                self._running[name] += 1
                started.append(lane.popleft())
            if not lane:
                self._waiting.pop(name, None)
        return started

    def finish(self, endpoint_id: str) -> None:
        self._running[endpoint_id] -= 1
        if not self._running[endpoint_id]:
            del self._running[endpoint_id]

    def taken(self) -> dict[str, int]:
        """Running and waiting, by endpoint."""
        taken = Counter(self._running)
        for name, lane in self._waiting.items():
            taken[name] += len(lane)
        return dict(taken)

    def waiting(self, endpoint_id: str) -> int:
        return len(self._waiting.get(endpoint_id, ()))

    def drain(self) -> list[L]:
        """Everything that waits, taken out."""
        rest = [item for lane in self._waiting.values() for item in lane]
        self._waiting.clear()
        return rest
