"""The state that the interface shows and the admin changes."""

import base64
import binascii
import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lineshaft.sandbox.faults import Faults
from lineshaft.sandbox.oauth import Habits, Provider
from lineshaft.sandbox.plant import PlantSize, plant
from lineshaft.sandbox.store import Store

KEPT_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    at: str
    method: str
    path: str
    query: str
    status: int


@dataclass
class Sandbox:
    size: PlantSize | None = None
    username: str = "lineshaft"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    account: str = "plant-7"
    provider: Provider = field(default_factory=Provider)
    faults: Faults = field(default_factory=Faults)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    seen: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_object: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.store = Store(plant(self.size))

    def admits(self, authorization: str) -> bool:
        """Bearer with the token or one of the provider's, or basic with user and password."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self.provider.admits(given) or secrets.compare_digest(given.encode(), self.token.encode())
        if scheme.lower() != "basic":
            return False
        try:
            decoded = base64.b64decode(given)
        except binascii.Error:
            return False
        return secrets.compare_digest(decoded, f"{self.username}:{self.password}".encode())

    def note(self, method: str, path: str, query: str, status: int, name: str | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.requests.append(Request(at, method, path, query, status))
        self.seen += 1
        self.by_status[str(status)] += 1
        if name is not None:
            self.by_object[name] += 1

    def forget_requests(self) -> None:
        self.requests.clear()
        self.by_status.clear()
        self.by_object.clear()
        self.seen = 0

    def reset(self) -> None:
        """The plant as it was, and nothing wrong with it; the credentials stay."""
        self.faults = Faults()
        self.provider.habits = Habits()
        self.store = Store(plant(self.size))
