"""What follows from one try."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lineshaft.notifier.domain.result import Answer
from lineshaft.notifier.domain.schedule import Chance, Tries, next_try


class DeliveryState(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Decision:
    state: DeliveryState
    next_attempt_at: datetime | None = None
    deferred: bool = False
    """The receiver asked for a later try, which uses up none."""


def decide(
    answer: Answer,
    *,
    tries: int,
    deferrals: int,
    first_tried_at: datetime | None,
    now: datetime,
    chance: Chance,
    scale: float = 1.0,
) -> Decision:
    """`tries` and `deferrals` are those before this one."""
    if answer.delivered:
        return Decision(DeliveryState.DELIVERED)
    if answer.gone:
        return Decision(DeliveryState.GIVEN_UP)
    again = next_try(
        Tries(tries + 1, deferrals, first_tried_at or answer.at),
        now=now,
        chance=chance,
        retry_after=answer.retry_after,
        busy=answer.busy,
        scale=scale,
    )
    if again is None:
        return Decision(DeliveryState.GIVEN_UP)
    return Decision(DeliveryState.DUE, again.at, again.deferred)
