"""The steps of a login as a customer sees them, and at which one it failed."""

from dataclasses import dataclass
from enum import StrEnum

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import Outcome


class StepState(StrEnum):
    TO_DO = "to_do"
    CURRENT = "current"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    state: StepState


REACHED, LOGGED_IN = 1, 2
"""How many steps are done then."""

_DONE_BEFORE = {
    Outcome.UNREACHABLE: 0,
    Outcome.CREDENTIALS_REJECTED: REACHED,
    Outcome.CONFIGURATION_ERROR: REACHED,
    Outcome.SOURCE_ERROR: REACHED,
    Outcome.RATE_LIMITED: REACHED,
    Outcome.INVALID_REQUEST: REACHED,
    Outcome.ACCOUNT_MISMATCH: LOGGED_IN,
    Outcome.PERMISSION_DENIED: LOGGED_IN,
}


def steps(
    label: str, *, reauthorizes: bool, done: int = 0, failed: CommandProblem | None = None
) -> list[Step]:
    """Empty where the failure was none of the source's."""
    titles = [
        f"Reach {label}",
        "Log in",
        "Check that it is the same account" if reauthorizes else "See what this account may read",
    ]
    if failed is None:
        return [Step(title, _state(number, done)) for number, title in enumerate(titles)]
    done_before = _DONE_BEFORE.get(failed.outcome) if failed.outcome else None
    if done_before is None:
        return []
    return [
        Step(title, StepState.FAILED if number == done_before else _without_current(number, done_before))
        for number, title in enumerate(titles)
    ]


def _state(number: int, done: int) -> StepState:
    if number == done:
        return StepState.CURRENT
    return StepState.DONE if number < done else StepState.TO_DO


def _without_current(number: int, done: int) -> StepState:
    return StepState.DONE if number < done else StepState.TO_DO
