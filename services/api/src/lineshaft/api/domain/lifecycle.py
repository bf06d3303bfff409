"""What the vendor may do with a connection, and what it is afterwards."""

from enum import StrEnum

from lineshaft.api.domain.problems import ProblemCode, problem
from lineshaft.common.events.connections import Lifecycle


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    DISCONNECT = "disconnect"


REASONS = {
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.DISCONNECT: "disconnected",
}

AFTER = {
    (Lifecycle.ACTIVE, Action.PAUSE): Lifecycle.PAUSED,
    (Lifecycle.PAUSED, Action.PAUSE): Lifecycle.PAUSED,
    (Lifecycle.ACTIVE, Action.RESUME): Lifecycle.ACTIVE,
    (Lifecycle.PAUSED, Action.RESUME): Lifecycle.ACTIVE,
    (Lifecycle.ACTIVE, Action.DISCONNECT): Lifecycle.DISCONNECTED,
    (Lifecycle.PAUSED, Action.DISCONNECT): Lifecycle.DISCONNECTED,
    (Lifecycle.DISCONNECTED, Action.DISCONNECT): Lifecycle.DISCONNECTED,
}


def after(lifecycle: Lifecycle, action: Action, connection_id: str) -> Lifecycle:
    """The lifecycle that follows; the same one where there is nothing to do.

    Raises:
        ProblemError: a disconnected connection comes back by reauthorization alone.
    """
    new = AFTER.get((lifecycle, action))
    if new is None:
        raise problem(
            ProblemCode.CONFLICT,
            f"The connection is {lifecycle}; connect it again with POST /v1/link-sessions.",
            connection_id=connection_id,
        )
    return new
