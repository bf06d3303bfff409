"""The statements that the adapter sends: columns by name, values as parameters, pages by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineshaft.connector.adapters.protocols.sql_dialect import Column, Dialect, Statement, Table
from lineshaft.connector.adapters.protocols.sql_values import text_of
from lineshaft.connector.adapters.protocols.sql_window import Window


@dataclass(slots=True)
class _Builder:
    dialect: Dialect
    columns: Mapping[str, Column]
    arguments: list[Any] = field(default_factory=list)

    def name(self, column: str) -> str:
        return self.dialect.quoted(column)

    def value(self, value: Any, column: str) -> str:
        known = self.columns.get(column)
        self.arguments.append(self.dialect.argument(value, known))
        return self.dialect.parameter(len(self.arguments), known)

    def row(self, values: Sequence[Any], key: Sequence[str]) -> str:
        return " and ".join(
            f"{self.name(column)} = {self.value(value, column)}"
            for column, value in zip(key, values, strict=True)
        )

    def statement(self, text: str) -> Statement:
        return Statement(text, tuple(self.arguments))


def table_name(dialect: Dialect, table: Table) -> str:
    return f"{dialect.quoted(table.schema)}.{dialect.quoted(table.name)}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is read of a table, and in which order."""

    table: Table
    fields: Sequence[str]
    key: Sequence[str]
    cursor: str | None = None
    fallback: str | None = None


def page_of(
    dialect: Dialect, columns: Mapping[str, Column], listing: Listing, window: Window, limit: int
) -> Statement:
    build = _Builder(dialect, columns)
    order = [(build.name(name), name) for name in listing.key]
    conditions = []
    if window.since is not None and listing.cursor is not None:
        changed = build.name(listing.cursor)
        if listing.fallback is not None:
            changed = f"coalesce({changed}, {build.name(listing.fallback)})"
        conditions.append(f"{changed} >= {build.value(text_of(window.since), listing.cursor)}")
        order.insert(0, (changed, listing.cursor))
    if window.after:
        conditions.append(_behind(build, order, window.after))
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return build.statement(
        f"select {', '.join(build.name(name) for name in listing.fields)}"
        f" from {table_name(dialect, listing.table)}{where}"
        f" order by {', '.join(expression for expression, _ in order)} limit {limit:d}"
    )


def _behind(build: _Builder, order: Sequence[tuple[str, str]], after: Sequence[Any]) -> str:
    """(a, b) > (1, 2) written out, which every planner can use an index for."""
    choices = []
    for place, (expression, column) in enumerate(order):
        same = [
            f"{before} = {build.value(after[earlier], name)}"
            for earlier, (before, name) in enumerate(order[:place])
        ]
        choices.append(" and ".join([*same, f"{expression} > {build.value(after[place], column)}"]))
    return "(" + " or ".join(f"({choice})" for choice in choices) + ")"


def matching(
    dialect: Dialect,
    columns: Mapping[str, Column],
    table: Table,
    fields: Sequence[str],
    match: Mapping[str, Any],
) -> Statement:
    """Two rows at most."""
    build = _Builder(dialect, columns)
    return build.statement(
        f"select {', '.join(build.name(name) for name in fields)} from {table_name(dialect, table)}"
        f" where {build.row(tuple(match.values()), tuple(match))} limit 2"
    )


def nothing_of(dialect: Dialect, table: Table) -> Statement:
    """Says why a table is not shown."""
    return Statement(f"select 1 from {table_name(dialect, table)} limit 0")


def insertion(
    dialect: Dialect,
    columns: Mapping[str, Column],
    table: Table,
    key: Sequence[str],
    values: Mapping[str, Any],
) -> Statement:
    build = _Builder(dialect, columns)
    names = ", ".join(build.name(column) for column in values)
    given = ", ".join(build.value(value, column) for column, value in values.items())
    returned = ", ".join(build.name(column) for column in key)
    return build.statement(
        f"insert into {table_name(dialect, table)} ({names}) values ({given}) returning {returned}"
    )


def update(
    dialect: Dialect,
    columns: Mapping[str, Column],
    table: Table,
    row: tuple[Sequence[str], Sequence[Any]],
    values: Mapping[str, Any],
) -> Statement:
    """`row` holds the key's columns and its values."""
    build = _Builder(dialect, columns)
    changes = ", ".join(
        f"{build.name(column)} = {build.value(value, column)}" for column, value in values.items()
    )
    key, key_values = row
    return build.statement(
        f"update {table_name(dialect, table)} set {changes} where {build.row(key_values, key)}"
    )


def deletion(
    dialect: Dialect, columns: Mapping[str, Column], table: Table, row: tuple[Sequence[str], Sequence[Any]]
) -> Statement:
    build = _Builder(dialect, columns)
    key, key_values = row
    return build.statement(f"delete from {table_name(dialect, table)} where {build.row(key_values, key)}")
