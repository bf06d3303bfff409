"""Whether the source may be called for a connection now, and what to say if not."""

import math
from datetime import datetime

from lineshaft.api.domain.problems import ProblemCode, problem, unavailable
from lineshaft.api.domain.status import Known
from lineshaft.common.breakers import left_alone
from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.outcomes import ConnectionStatus, Operation

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


def require_writable(known: Known, name: str, now: datetime) -> None:
    """For a write to the object `name`, which is done at once; the connector's gate decides by the same rule.

    Raises:
        ProblemError: somebody has to act first, or the gate is closed for sure.
    """
    require_usable(known)
    objects = (known.binding or {}).get("objects", ())
    scope = next((ScopeStatus.model_validate(one) for one in objects if one["object"] == name), None)
    alone = left_alone(Breaker.model_validate(known.breaker), scope, Operation.WRITE, now)
    if alone is None:
        return
    if known.status is ConnectionStatus.RATE_LIMITED and not alone.whole:
        raise problem(
            ProblemCode.RATE_LIMITED,
            "The source has asked for fewer requests, and is left alone until it takes more.",
            connection_id=known.connection_id,
            headers={"Retry-After": str(pause(alone.until, now))},
        )
    raise unavailable(
        "The source fails at the moment; it is left alone until it may have recovered."
        if alone.whole
        else f"{name} is not written at the moment: what was tried last was refused or failed.",
        retry_after=pause(alone.until, now),
        connection_id=known.connection_id,
    )


def pause(until: datetime | None, now: datetime) -> int:
    """Seconds to wait, rounded up."""
    if until is None:
        return UNKNOWN_PAUSE
    return min(LONGEST_PAUSE, max(1, math.ceil((until - now).total_seconds())))
