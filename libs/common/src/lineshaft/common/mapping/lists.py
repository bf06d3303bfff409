"""Fills for lists: of single values, and of objects such as lines."""

from dataclasses import dataclass
from typing import Any

from lineshaft.common.mapping.errors import UNFIT_VALUE, FieldError, sample
from lineshaft.common.mapping.failures import Failed
from lineshaft.common.mapping.generation import Document, Fill
from lineshaft.common.mapping.paths import Getter
from lineshaft.common.mapping.values import Fit, Record, Run


@dataclass(frozen=True, slots=True)
class ListField:
    """What lists have in common: the key in the document, the source, whom to tell, the stand-in for none."""

    key: str
    get: Getter
    failed: Failed
    default: Any


def list_of_values(field: ListField, labels: Getter | None, fit: Fit) -> Fill:
    """A single value counts as a list of one; items without a value are left out."""
    key, get, failed, default = field.key, field.get, field.failed, field.default

    def fill(record: Record, document: Document, run: Run) -> None:
        value = None
        try:
            value = get(record)
            if _is_empty(value):
                value = default
            if _is_empty(value):
                return
            found = None if labels is None else labels(record)
        except UNFIT_VALUE as error:
            failed(run, value, error)
            return
        texts = found if isinstance(found, list) else [found]
        fitted: list[Any] = []
        for position, item in enumerate(value if isinstance(value, list) else [value]):
            if _is_empty(item):
                continue
            beside = {"label": texts[position] if position < len(texts) else None}
            try:
                fitted.append(fit(item, beside, run))
            except UNFIT_VALUE as error:
                failed(run, item, error, position)
        document[key] = fitted

    return fill


def list_of_objects(field: ListField, fill_item: Fill, empty: Document) -> Fill:
    """A single object counts as a list of one; errors are named by the position of their object."""
    key, get, failed = field.key, field.get, field.failed

    def fill(record: Record, document: Document, run: Run) -> None:
        value = None
        try:
            value = get(record)
            if _is_empty(value):
                return
            rows = _rows(value)
        except UNFIT_VALUE as error:
            failed(run, value, error)
            return
        made: list[Document] = []
        for position, row in enumerate(rows):
            before = len(run.errors)
            item = empty.copy()
            fill_item(row, item, run)
            if len(run.errors) > before:
                _place_errors(run.errors, before, f"{failed.field}.{position}")
            made.append(item)
        document[key] = made

    return fill


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == ""


def _rows(value: Any) -> list[Record]:
    rows: list[Record] = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError(f"holds {sample(row)}, where objects are needed: the read gave keys only")
    return rows


def _place_errors(errors: list[FieldError], start: int, prefix: str) -> None:
    for index in range(start, len(errors)):
        errors[index] = errors[index]._replace(field=f"{prefix}.{errors[index].field}")
