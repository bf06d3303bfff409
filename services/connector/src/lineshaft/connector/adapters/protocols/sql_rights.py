"""What a database's own tables of rights say of an account."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lineshaft.common.outcomes import Grant, Verb
from lineshaft.connector.adapters.protocols.sql_dialect import Table
from lineshaft.connector.domain.fields import head_of
from lineshaft.connector.domain.protocol import UNKNOWN_RIGHT, Right

PRIVILEGES: Mapping[Verb, str] = {
    Verb.READ: "SELECT",
    Verb.CREATE: "INSERT",
    Verb.UPDATE: "UPDATE",
    Verb.DELETE: "DELETE",
}

_NAME = r"(?:\*|`(?:[^`]|``)*`)"
_GRANT = re.compile(rf"GRANT (?P<what>.+?) ON (?P<schema>{_NAME})\.(?P<table>{_NAME}) TO ", re.DOTALL)
_PRIVILEGE = re.compile(r"(?P<name>[A-Z][A-Z ]*[A-Z])(?: \((?P<columns>[^)]*)\))?(?:, |$)")
_COLUMN = re.compile(r"`((?:[^`]|``)*)`")
EVERYTHING = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class MariaDbGrant:
    """One privilege of one line of `SHOW GRANTS`; without columns it is for all of them."""

    privilege: str
    schema: str | None
    table: str | None
    columns: tuple[str, ...] = ()

    def covers(self, table: Table, verb: Verb) -> bool:
        return (
            self.privilege in {EVERYTHING, PRIVILEGES[verb]}
            and (self.schema is None or _like(self.schema, table.schema))
            and self.table in {None, table.name}
        )


def parse_grants(lines: Iterable[str]) -> list[MariaDbGrant]:
    """Lines of `SHOW GRANTS`, the roles' among them; those of routines and proxies are left aside."""
    grants: list[MariaDbGrant] = []
    for line in lines:
        found = _GRANT.match(line)
        if found is None:
            continue
        schema, table = _unquoted(found["schema"]), _unquoted(found["table"])
        for one in _PRIVILEGE.finditer(found["what"]):
            columns = tuple(name.replace("``", "`") for name in _COLUMN.findall(one["columns"] or ""))
            grants.append(MariaDbGrant(one["name"], schema, table, columns))
    return grants


def right_by_grants(grants: Sequence[MariaDbGrant], table: Table, verb: Verb, fields: Sequence[str]) -> Right:
    """Of some fields, where only columns are granted."""
    covering = [grant for grant in grants if grant.covers(table, verb)]
    if not covering:
        return Right(Grant.DENIED)
    if any(not grant.columns for grant in covering):
        return Right(Grant.GRANTED)
    open_columns = {column.lower() for grant in covering for column in grant.columns}
    closed = tuple(name for name in fields if head_of(name).lower() not in open_columns)
    return Right(Grant.UNKNOWN, closed) if closed else Right(Grant.GRANTED)


def right_by_columns(verbs: Mapping[Verb, bool | None], verb: Verb, closed: Sequence[str]) -> Right:
    """`closed` are needed columns that are there and cannot be read."""
    allowed = verbs[verb]
    if allowed is None:
        return UNKNOWN_RIGHT
    if not allowed:
        return Right(Grant.DENIED)
    return Right(Grant.DENIED, tuple(closed)) if closed else Right(Grant.GRANTED)


def _unquoted(name: str) -> str | None:
    return None if name == "*" else name[1:-1].replace("``", "`")


def _like(pattern: str, name: str) -> bool:
    """A schema is granted by a pattern of LIKE."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\?.", pattern, re.DOTALL)
    regex = "".join(wild.get(part, re.escape(part.removeprefix("\\"))) for part in parts)
    return re.fullmatch(regex, name, re.DOTALL) is not None
