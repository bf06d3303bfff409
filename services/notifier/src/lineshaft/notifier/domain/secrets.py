"""Which of an endpoint's signing secrets are in force: the newest, and older ones while it is rotated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST = 10


@dataclass(frozen=True, slots=True)
class StoredSecret:
    secret_id: str
    endpoint_id: str
    sealed: bytes
    created_at: datetime
    expires_at: datetime | None


def in_force(secrets: Iterable[StoredSecret], now: datetime, overlap: timedelta) -> list[StoredSecret]:
    """The newest first; an older one ends `overlap` after its successor came, or at its own end."""
    result: list[StoredSecret] = []
    successor: StoredSecret | None = None
    for secret in sorted(secrets, key=lambda one: (one.created_at, one.secret_id), reverse=True):
        expired = secret.expires_at is not None and secret.expires_at <= now
        replaced = successor is not None and successor.created_at + overlap <= now
        if not expired and not replaced:
            result.append(secret)
        successor = secret
    return result[:MOST]
