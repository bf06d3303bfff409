"""A form as a page shows it: what was typed, and what is wrong with it, by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import ValidationError

from lineshaft.api.console.pages import INVALID
from lineshaft.api.domain.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Filled:
    """Fresh, or as somebody sent it and it was not right."""

    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refused(cls, typed: Mapping[str, Any], error: ProblemError | ValidationError) -> Self:
        return cls(typed, errors_of(error))

    def shown(self, fresh: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a page with this form needs; `fresh` is what stands in it before anybody types."""
        return {
            "http_status": INVALID if self.errors else 200,
            "typed": {**(fresh or {}), **self.typed},
            "errors": self.errors,
        }


FRESH = Filled()


def errors_of(error: ProblemError | ValidationError) -> dict[str, str]:
    """The name of a field, or nothing, to what is wrong with it."""
    if isinstance(error, ValidationError):
        faults = reversed(error.errors())  # of several in one field, the first
        return {str(one["loc"][0]): one["msg"].removeprefix("Value error, ") for one in faults}
    found = {one.field.partition(".")[0]: one.message for one in error.problem.errors}
    return found or {"": error.problem.detail}
