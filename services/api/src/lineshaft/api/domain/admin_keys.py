"""An admin key, as far as it is kept: who it is for, what it opens, until when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lineshaft.api.domain.keys import Scope
from lineshaft.api.domain.problems import ProblemCode, invalid, problem


class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class AdminKey:
    key_id: str
    label: str
    scopes: frozenset[Scope]
    from_settings: bool
    """The operator's own, from the settings of the service."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None

    def state(self, now: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires_at is not None and self.expires_at <= now else KeyState.ACTIVE

    @property
    def audited(self) -> dict[str, Any]:
        return {
            "name": self.label,
            "scopes": sorted(self.scopes),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "replaced_by": self.replaced_by,
        }

    def renewed_until(self, now: datetime) -> datetime | None:
        """The same lifetime once more; none for a key without an end."""
        return None if self.expires_at is None else now + (self.expires_at - self.created_at)


def check_scopes(wanted: Collection[Scope], own: Collection[Scope]) -> None:
    """A key gives away no more than it has itself.

    Raises:
        ProblemError: it does not have all that is wanted.
    """
    lacking = sorted(set(wanted) - set(own))
    if lacking:
        raise problem(
            ProblemCode.FORBIDDEN, f"Your own key lacks {', '.join(lacking)}; a key gives only what it has."
        )


def check_end(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_at", "lies in the past; name a later moment, or leave it out")


def require_rotatable(key: AdminKey, now: datetime) -> None:
    require_changeable(key, now)
    if key.replaced_by is not None:
        raise problem(ProblemCode.CONFLICT, f"This key was rotated before; rotate {key.replaced_by}.")


def require_changeable(key: AdminKey, now: datetime) -> None:
    """Raises a problem where the key has ended, or is the operator's to change."""
    if key.from_settings:
        raise problem(
            ProblemCode.CONFLICT,
            "This key stands in the settings; change LINESHAFT_ADMIN_KEY and restart the service.",
        )
    if key.state(now) is not KeyState.ACTIVE:
        raise problem(ProblemCode.CONFLICT, f"This key is {key.state(now)} already; create a new one.")
