"""What is wrong with a form, by field."""

from pydantic import ValidationError

from lineshaft.api.domain.problems import ProblemError


def errors_of(error: ProblemError | ValidationError) -> dict[str, str]:
    """The name of a field, or nothing, to what is wrong with it."""
    if isinstance(error, ValidationError):
        faults = reversed(error.errors())  # of several in one field, the first
        return {str(one["loc"][0]): one["msg"].removeprefix("Value error, ") for one in faults}
    found = {one.field.partition(".")[0]: one.message for one in error.problem.errors}
    return found or {"": error.problem.detail}
