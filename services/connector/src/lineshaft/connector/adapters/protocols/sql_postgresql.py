"""PostgreSQL, by asyncpg.

Columns come from the catalogue and not from information_schema, which leaves out what the account may not
read: so a column that is hidden can be told from one that is gone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from lineshaft.common.outcomes import Grant, Outcome, Rung
from lineshaft.connector.adapters.protocols.sql_addresses import (
    LOGIN_SECONDS,
    TlsNotOfferedError,
    tls_context,
)
from lineshaft.connector.adapters.protocols.sql_codes import of_checks
from lineshaft.connector.adapters.protocols.sql_dialect import (
    Column,
    Explanation,
    Family,
    Fault,
    Finding,
    Place,
    Row,
    RowCountError,
    SqlConnection,
    Statement,
    Table,
)
from lineshaft.connector.adapters.protocols.sql_rights import PRIVILEGES, right_by_columns
from lineshaft.connector.domain.codes import declared_codes
from lineshaft.connector.domain.fields import head_of
from lineshaft.connector.domain.protocol import Need, Right

CODES: Mapping[str, Finding] = {
    "28P01": Finding(Outcome.CREDENTIALS_REJECTED),
    "28000": Finding(Outcome.CREDENTIALS_REJECTED, "medium"),  # also where pg_hba.conf has no line for us
    "3D000": Finding(Outcome.CONFIGURATION_ERROR, name="unknown_database"),
    "3F000": Finding(Outcome.CONFIGURATION_ERROR),
    "42P01": Finding(Outcome.CONFIGURATION_ERROR),
    "42703": Finding(Outcome.CONFIGURATION_ERROR),
    "42501": Finding(Outcome.PERMISSION_DENIED),
    "25006": Finding(Outcome.CONFIGURATION_ERROR),
    "57014": Finding(Outcome.UNREACHABLE, rung=Rung.TIMEOUT),
}

_COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), t.typcategory::text, a.attnotnull,
       coalesce(a.attnum = any(i.indkey), false), has_column_privilege(a.attrelid, a.attnum, 'select'),
       a.attgenerated <> '' or a.attidentity = 'a', a.atthasdef or a.attidentity <> '',
       col_description(a.attrelid, a.attnum),
       array(select e.enumlabel::text from pg_enum e where e.enumtypid = a.atttypid order by e.enumsortorder),
       array(select pg_get_constraintdef(c.oid) from pg_constraint c
             where c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum])
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
_RIGHTS = """
select a.attname from pg_attribute a
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
  and not has_column_privilege(a.attrelid, a.attnum, $2)
"""
_VERBS = """
select has_any_column_privilege(t.oid, 'select'), has_any_column_privilege(t.oid, 'insert'),
       has_any_column_privilege(t.oid, 'update'), has_table_privilege(t.oid, 'delete')
from (select to_regclass($1)::oid) as t (oid)
"""
_MAY_DELETE = "select has_table_privilege(to_regclass($1), 'delete')"

_FAMILIES = {
    "N": Family.NUMBER,
    "B": Family.BOOLEAN,
    "S": Family.TEXT,
    "E": Family.TEXT,
}
_BY_TYPE = {
    "smallint": Family.INTEGER,
    "integer": Family.INTEGER,
    "bigint": Family.INTEGER,
    "date": Family.DATE,
    "json": Family.JSON,
    "jsonb": Family.JSON,
    "bytea": Family.BINARY,
}


class PostgreSqlConnection:
    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def rows(self, statement: Statement) -> Sequence[Row]:
        fetched = await self._connection.fetch(statement.text, *statement.arguments)
        return [tuple(row.values()) for row in fetched]

    async def change_one(self, statement: Statement) -> Row | None:
        async with self._connection.transaction():
            prepared = await self._connection.prepare(statement.text)
            rows = await prepared.fetch(*statement.arguments)
            count = int((prepared.get_statusmsg() or "0").split()[-1])
            if count != 1:
                raise RowCountError(count)
            return tuple(rows[0].values()) if rows else None

    async def close(self) -> None:
        try:
            await self._connection.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


class PostgreSql:
    codes = CODES
    default_port = 5432
    # a replica's clock runs ahead of what it has: rows with older stamps are still to come
    who_am_i = (
        "select current_user::text, current_database()::text, case when pg_is_in_recovery() then "
        "least(now(), coalesce(pg_last_xact_replay_timestamp(), to_timestamp(0))) else now() end"
    )
    expiries: Sequence[str] = (
        "select nullif(rolvaliduntil, 'infinity') from pg_roles where rolname = session_user",
    )

    async def connect(self, place: Place, address: str) -> SqlConnection:
        context = tls_context(place.host, place.tls, place.ca_certificate)
        try:
            connection = await asyncpg.connect(
                host=address,
                port=place.port,
                user=place.user,
                password=place.password,
                database=place.database,
                ssl=context or False,
                timeout=LOGIN_SECONDS,
                server_settings={
                    "application_name": "lineshaft",
                    "timezone": "UTC",
                    "statement_timeout": str(int(place.statement_seconds * 1000)),
                },
            )
        except ConnectionError as error:
            # a bare one is asyncpg's own: the server answered the request for TLS with no
            if context is not None and type(error) is ConnectionError:
                raise TlsNotOfferedError(str(error)) from error
            raise
        return PostgreSqlConnection(connection)

    def schema_of(self, database: str, schema: str | None) -> str:  # noqa: ARG002  the port's signature
        return schema or "public"

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def parameter(self, number: int, column: Column | None) -> str:
        """Values travel as text, so that the database itself reads them."""
        return f"${number}" if column is None else f"(${number}::text)::{column.type}"

    def argument(self, value: Any, column: Column | None) -> Any:
        if value is None or column is None:
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def columns(self, table: Table) -> Statement:
        return Statement(_COLUMNS, (self._name(table),))

    def column(self, row: Row) -> Column:
        name, written, category, required, key, readable, generated, defaulted, label, labels, checks = row
        family = _BY_TYPE.get(written) or _FAMILIES.get(category, Family.OTHER)
        zoned = written.startswith("timestamp") and written.endswith("with time zone")
        if written.startswith("timestamp"):
            family = Family.TIMESTAMP
        return Column(
            name=name,
            type=written,
            family=family,
            nullable=not required,
            key=key,
            readable=readable,
            generated=generated,
            defaulted=defaulted,
            clock="zoned" if zoned else "local",
            label=label,
            codes=declared_codes((one, None) for one in labels) or of_checks(checks),
        )

    def fault(self, error: BaseException) -> Fault | None:
        if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
            words = f"{error} ({detail})" if (detail := getattr(error, "detail", None)) else str(error)
            return Fault(error.sqlstate, words, error.sqlstate)
        return None

    async def rights(self, connection: SqlConnection, needs: Mapping[Need, Table]) -> Mapping[Need, Right]:
        found: dict[Need, Right] = {}
        for need, table in needs.items():
            name = self._name(table)
            try:
                (allowed,) = await connection.rows(Statement(_VERBS, (name,)))
                closed = await connection.rows(Statement(_RIGHTS, (name, "select")))
            except asyncpg.InsufficientPrivilegeError:  # of the schema
                found[need] = Right(Grant.DENIED)
                continue
            hidden = {row[0] for row in closed}
            lost = [column for column in need.fields if head_of(column) in hidden]
            found[need] = right_by_columns(dict(zip(PRIVILEGES, allowed, strict=True)), need.verb, lost)
        return found

    async def explain(
        self, connection: SqlConnection, fault: Fault, table: Table, columns: Sequence[str], right: str
    ) -> Explanation | None:
        if fault.code != "42501":
            return None
        name = self._name(table)
        if right == "delete":
            ((allowed,),) = await connection.rows(Statement(_MAY_DELETE, (name,)))
            return None if allowed else _denied("no right to delete rows")
        closed = {row[0] for row in await connection.rows(Statement(_RIGHTS, (name, right)))}
        concerned = [column for column in columns if column in closed]
        if not concerned:
            return None
        if len(concerned) == len(columns):
            return _denied(f"no right to {right} of {table.name}")
        words = f"no right to {right} of {table.name}: {', '.join(concerned)}"
        return Explanation(Outcome.PERMISSION_DENIED, "high", words, tuple(concerned))

    def _name(self, table: Table) -> str:
        return f"{self.quoted(table.schema)}.{self.quoted(table.name)}"


def _denied(words: str) -> Explanation:
    return Explanation(Outcome.PERMISSION_DENIED, "high", words)
