"""Records why fields are null."""

from typing import Any

from lineshaft.common.mapping.definition import FieldSpec
from lineshaft.common.mapping.errors import FieldError, FieldErrorCode, sample
from lineshaft.common.mapping.source_values import source_text
from lineshaft.common.mapping.values import Run, UnmappedCodeError


class Failed:
    """Called with what went wrong in one field of one record."""

    __slots__ = ("_expression", "_source", "field")

    def __init__(self, field: str, spec: FieldSpec) -> None:
        self.field = field
        self._source = source_text(spec)
        self._expression = spec.expr is not None

    def __call__(self, run: Run, value: Any, error: BaseException, position: int | None = None) -> None:
        code: FieldErrorCode = "invalid_value"
        if isinstance(error, UnmappedCodeError):
            code = "unmapped_code"
        elif self._expression and value is None:
            code = "expression_failed"
        field = self.field if position is None else f"{self.field}.{position}"
        reason = sample(str(error) or type(error).__name__)
        run.errors.append(FieldError(field, self._source, code, reason, sample(value)))
