"""What can be wrong with a mapping definition, and with one value of one record.

LineshaftError
├── MappingDefinitionError    the definition is refused; it says which field and how to mend it
└── NotWritableError          a unified write has fields that have no way back to the source
CoercionError                 one value does not fit its field; it becomes a FieldError and goes no further
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lineshaft.common.errors import LineshaftError

FieldErrorCode = Literal["invalid_value", "unmapped_code", "expression_failed"]


class FieldError(NamedTuple):
    """Why one field of one record is null."""

    field: str
    """The unified field; `lines.2.quantity` for the third line."""
    path: str
    """Where the value came from: the path or the expression."""
    code: FieldErrorCode
    reason: str
    sample: str
    """The value, cut to 100 characters."""


@dataclass(frozen=True, slots=True)
class DefinitionIssue:
    field: str
    """`fields.status`, `custom_fields.sap_class` or `value_maps.asset_status`."""
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class MappingDefinitionError(LineshaftError):
    """The mapping definition is not valid."""

    def __init__(self, issues: Sequence[DefinitionIssue]) -> None:
        super().__init__("; ".join(str(issue) for issue in issues))
        self.issues = tuple(issues)


@dataclass(frozen=True, slots=True)
class WriteIssue:
    field: str
    code: Literal["unknown_field", "not_mapped", "not_writable", "invalid_value"]
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class NotWritableError(LineshaftError):
    """Some of the fields cannot be written to the source."""

    def __init__(self, issues: Sequence[WriteIssue]) -> None:
        super().__init__("; ".join(str(issue) for issue in issues))
        self.issues = tuple(issues)


class CoercionError(ValueError):
    """A value does not fit the kind of its field; the message says why."""


UNFIT_VALUE = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What code that meets a value of an unforeseen shape may raise."""

SAMPLE_LENGTH = 100


def sample(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SAMPLE_LENGTH else text[: SAMPLE_LENGTH - 1] + "…"
