"""Statements by name, and what `api`'s stores have in common."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

import asyncpg

from lineshaft.api.domain.problems import ProblemError, invalid, unavailable
from lineshaft.common.postgres.pool import RETRYABLE, Connection, Pool
from lineshaft.common.postgres.queries import load_queries

SQL = load_queries("lineshaft.api.adapters")

NOT_THERE_YET = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""Another service has not made its views yet: it starts for the first time, or is older than this one."""

UNFIT_TEXT = (asyncpg.DataError, UnicodeEncodeError)
"""Text that Postgres cannot hold: a NUL character, half a surrogate pair."""

Executor: TypeAlias = "Connection | Pool"
"""A statement that may run inside a transaction or alone."""

T = TypeVar("T")


def build(model: type[T], row: "asyncpg.Record | None", **convert: Callable[[Any], Any]) -> T:
    """A dataclass from the columns that have its fields' names; the statement gives a row for sure."""
    found = build_or_none(model, row, **convert)
    if found is None:
        raise LookupError(f"no row for {model.__name__}")
    return found


def build_or_none(model: type[T], row: "asyncpg.Record | None", **convert: Callable[[Any], Any]) -> T | None:
    """`convert` names the columns that are more than their type in Postgres."""
    if row is None:
        return None
    names = {field.name for field in fields(model)}  # type: ignore[arg-type]  # any dataclass
    values = {name: value for name, value in row.items() if name in names}
    return model(**values | {name: make(values[name]) for name, make in convert.items()})


def as_problem(error: Exception) -> ProblemError | None:
    """The answer to a request that Postgres did not serve; None where it is our own fault."""
    if isinstance(error, NOT_THERE_YET):
        return unavailable("A part of Lineshaft is still starting. Try again in a moment.")
    if isinstance(error, UNFIT_TEXT):
        return invalid("request", "has a character that cannot be stored, such as NUL")
    if isinstance(error, RETRYABLE):
        return unavailable("The database cannot be reached at the moment. Try again.")
    return None
