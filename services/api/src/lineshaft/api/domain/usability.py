"""Whether the source may be called for a connection now, and what to say if not."""

import math
from datetime import datetime

from lineshaft.api.domain.problems import ProblemCode, problem, unavailable
from lineshaft.api.domain.status import Known
from lineshaft.common.outcomes import ConnectionStatus

LONGEST_PAUSE = 3600
UNKNOWN_PAUSE = 30

_STOPPED = {
    ConnectionStatus.PAUSED: "The connection is paused. Resume it first: POST /v1/connections/{id}/resume.",
    ConnectionStatus.DISCONNECTED: "The connection is disconnected. A reconnect link brings it back.",
}


def require_usable(known: Known) -> None:
    """For work that may wait, such as a sync.

    Raises:
        ProblemError: somebody has to act first.
    """
    if known.status is ConnectionStatus.REAUTHORIZATION_REQUIRED:
        raise problem(
            ProblemCode.REAUTHORIZATION_REQUIRED,
            "The source refuses the stored credentials. Send the customer the reauthorize_url of the status.",
            connection_id=known.connection_id,
        )
    if (detail := _STOPPED.get(known.status)) is not None:
        raise problem(ProblemCode.CONFLICT, detail, connection_id=known.connection_id)


def require_callable(known: Known, name: str, now: datetime) -> None:
    """For work that is done at once, such as a write to the object `name`; the connector's gate decides.

    Raises:
        ProblemError: somebody has to act first, or the gate is closed for sure.
    """
    require_usable(known)
    breaker = known.breaker
    until = _moment(breaker["retry_at"])
    if breaker["state"] == "open" and (until is None or until > now):
        raise unavailable(
            "The source fails at the moment; it is left alone until it may have recovered.",
            retry_after=pause(until, now),
            connection_id=known.connection_id,
        )
    not_before = _not_before(known, name)
    if not_before is not None and not_before > now:
        raise unavailable(
            f"{name} cannot be called at the moment.",
            retry_after=pause(not_before, now),
            connection_id=known.connection_id,
        )


def pause(until: datetime | None, now: datetime) -> int:
    """Seconds to wait, rounded up."""
    if until is None:
        return UNKNOWN_PAUSE
    return min(LONGEST_PAUSE, max(1, math.ceil((until - now).total_seconds())))


def _not_before(known: Known, name: str) -> datetime | None:
    document = known.binding or {}
    for one in document.get("objects", ()):
        if one["object"] == name and not one.get("callable", True):
            return _moment(one.get("not_before"))
    return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
