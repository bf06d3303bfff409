"""MariaDB, by asyncmy: it has types and wheels, and is still kept."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncmy
from asyncmy.constants.CLIENT import FOUND_ROWS
from asyncmy.errors import MySQLError, OperationalError

from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.adapters.protocols.sql_addresses import LOGIN_SECONDS, tls_context
from lineshaft.connector.adapters.protocols.sql_codes import of_enum
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
from lineshaft.connector.adapters.protocols.sql_rights import parse_grants, right_by_grants
from lineshaft.connector.domain.evidence import DENIED_OR_GONE
from lineshaft.connector.domain.protocol import Need, Right

CODES: Mapping[str, Finding] = {
    "1045": Finding(Outcome.CREDENTIALS_REJECTED),
    "1698": Finding(Outcome.CREDENTIALS_REJECTED),
    "1820": Finding(Outcome.CREDENTIALS_REJECTED, name="password_expired"),
    "1862": Finding(Outcome.CREDENTIALS_REJECTED, name="password_expired"),
    "4151": Finding(Outcome.CREDENTIALS_REJECTED, name="account_locked"),
    "1130": Finding(Outcome.CREDENTIALS_REJECTED, "medium"),  # no account for our address
    "1044": Finding(Outcome.PERMISSION_DENIED, "medium"),  # or there is no such database
    "1142": Finding(Outcome.PERMISSION_DENIED, "medium"),
    "1143": Finding(Outcome.PERMISSION_DENIED, "medium"),
    "1227": Finding(Outcome.PERMISSION_DENIED),
    "1356": Finding(Outcome.PERMISSION_DENIED, "low"),  # a view whose tables are gone or closed
    "1049": Finding(Outcome.CONFIGURATION_ERROR, name="unknown_database"),
    "1054": Finding(Outcome.CONFIGURATION_ERROR),
    "2059": Finding(Outcome.CONFIGURATION_ERROR),  # a way to log in that we do not go
    "1146": Finding(Outcome.CONFIGURATION_ERROR),
    "1290": Finding(Outcome.CONFIGURATION_ERROR),
    "1836": Finding(Outcome.CONFIGURATION_ERROR),
    "1226": Finding(Outcome.RATE_LIMITED),
    "1040": Finding(Outcome.SOURCE_ERROR),
    "1203": Finding(Outcome.SOURCE_ERROR),
    "1129": Finding(Outcome.SOURCE_ERROR),
    "1053": Finding(Outcome.SOURCE_ERROR),
    "1205": Finding(Outcome.SOURCE_ERROR),
    "1213": Finding(Outcome.SOURCE_ERROR),
    "1317": Finding(Outcome.SOURCE_ERROR),
    "1927": Finding(Outcome.SOURCE_ERROR),
    "1969": Finding(Outcome.UNREACHABLE, rung=Rung.TIMEOUT),
    "1048": Finding(Outcome.INVALID_REQUEST),
    "1264": Finding(Outcome.INVALID_REQUEST),
    "1292": Finding(Outcome.INVALID_REQUEST),
    "1364": Finding(Outcome.INVALID_REQUEST),
    "1366": Finding(Outcome.INVALID_REQUEST),
    "1406": Finding(Outcome.INVALID_REQUEST),
}

_COLUMNS = """
select column_name, column_type, data_type, is_nullable, column_key, privileges, extra, column_default,
       column_comment
from information_schema.columns where table_schema = %s and table_name = %s order by ordinal_position
"""
_SHOWN = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
_FAMILIES = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), Family.INTEGER),
    **dict.fromkeys(("decimal", "float", "double"), Family.NUMBER),
    **dict.fromkeys(("timestamp", "datetime"), Family.TIMESTAMP),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), Family.BINARY),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), Family.TEXT),
    **dict.fromkeys(("enum", "set"), Family.TEXT),
    "date": Family.DATE,
}
_EXPIRES_SINCE_11_5 = """
select password_expiration_time from information_schema.users
where user = concat('''', replace(current_user(), '@', '''@'''), '''')
"""
_EXPIRES = """
select case when days > 0 then from_unixtime(changed) + interval days day end from (
    select json_value(priv, '$.password_last_changed') as changed,
           if(coalesce(json_value(priv, '$.password_lifetime'), -1) < 0, @@default_password_lifetime,
              json_value(priv, '$.password_lifetime')) as days
    from mysql.global_priv where concat(user, '@', host) = current_user()
) as account
"""
_LOST = {2006, 2013, 2055}
_NO_ANSWER = {2003, *_LOST}
_CLEAR_PLUGINS = ("mysql_clear_password", "dialog")
_REFUSED_PLUGIN = 2059
_DENIED_TABLE, _DENIED_COLUMN = "1142", "1143"


class MariaDbConnection:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, statement: Statement) -> Sequence[Row]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement.text, statement.arguments)
            rows: Sequence[Row] = await cursor.fetchall()
            return rows

    async def change_one(self, statement: Statement) -> Row | None:
        await self._connection.begin()
        try:
            async with self._connection.cursor() as cursor:
                count = await cursor.execute(statement.text, statement.arguments)
                row: Row | None = await cursor.fetchone() if cursor.description else None
        except BaseException:
            await self._undo()
            raise
        if count != 1:
            await self._undo()
            raise RowCountError(count)
        await self._connection.commit()
        return row

    async def close(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._connection.ensure_closed()
        except (OSError, TimeoutError, MySQLError):
            self._connection.close()

    async def _undo(self) -> None:
        try:
            await self._connection.rollback()
        except (OSError, MySQLError):
            self._connection.close()


class _InTheClear:
    """A way to log in that hands the password to whoever asks: only for a server that has proved its name."""

    def __init__(self, _connection: Any) -> None: ...

    def authenticate(self, _packet: Any) -> None:
        raise OperationalError(_REFUSED_PLUGIN, "the server asks for the password in the clear")


class MariaDb:
    codes = CODES
    default_port = 3306
    expiries: Sequence[str] = (_EXPIRES_SINCE_11_5, _EXPIRES)
    who_am_i = "select substring_index(current_user(), '@', 1), database(), utc_timestamp(6)"

    async def connect(self, place: Place, address: str) -> SqlConnection:
        async with asyncio.timeout(LOGIN_SECONDS):
            connection = await asyncmy.connect(
                host=address,
                port=place.port,
                user=place.user,
                password=place.password,
                database=place.database,
                ssl=tls_context(place.host, place.tls, place.ca_certificate),
                charset="utf8mb4",
                client_flag=FOUND_ROWS,
                connect_timeout=LOGIN_SECONDS,
                autocommit=True,
                program_name="lineshaft",
                auth_plugin_map={} if place.tls == "verify" else dict.fromkeys(_CLEAR_PLUGINS, _InTheClear),
            )
        opened = MariaDbConnection(connection)
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(
                    "set time_zone = '+00:00', max_statement_time = %s,"
                    " sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')",
                    (place.statement_seconds,),
                )
                # an expired password is let in, and refused with the first statement that is no setting
                await cursor.execute("do 1")
        except BaseException:
            await opened.close()
            raise
        return opened

    def schema_of(self, database: str, schema: str | None) -> str:
        return schema or database

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``").replace("%", "%%") + "`"

    def parameter(self, number: int, column: Column | None) -> str:  # noqa: ARG002  the port's signature
        return "%s"

    def argument(self, value: Any, column: Column | None) -> Any:
        """Numbers as numbers: beside a text, MariaDB compares them as floats."""
        if column is None or not isinstance(value, str):
            return value
        try:
            if column.family is Family.INTEGER:
                return int(value)
            if column.family is Family.NUMBER:
                return Decimal(value)
        except (ValueError, ArithmeticError):
            return value
        return value

    def columns(self, table: Table) -> Statement:
        return Statement(_COLUMNS, (table.schema, table.name))

    def column(self, row: Row) -> Column:
        name, written, kind, nullable, key, privileges, extra, default, comment = row
        family = _FAMILIES.get(kind, Family.OTHER)
        if written in {"tinyint(1)", "bit(1)"}:
            family = Family.BOOLEAN
        return Column(
            name=name,
            type=written,
            family=family,
            nullable=nullable == "YES",
            key=key == "PRI",
            readable="select" in privileges.lower().split(","),
            generated="GENERATED" in extra,
            defaulted=default is not None or "auto_increment" in extra,
            clock="utc" if kind == "timestamp" else "local",
            label=comment or None,
            codes=of_enum(written),
        )

    def fault(self, error: BaseException) -> Fault | None:
        if not isinstance(error, MySQLError) or not error.args or not isinstance(error.args[0], int):
            return None
        if error.args[0] in _NO_ANSWER:
            return None
        sqlstate = error.sqlstate if isinstance(error.sqlstate, str) else None
        return Fault(str(error.args[0]), str(error.args[-1]), sqlstate)

    async def rights(self, connection: SqlConnection, needs: Mapping[Need, Table]) -> Mapping[Need, Right]:
        """A grant on a name says nothing of whether it is there; a column without one may be gone."""
        grants = parse_grants(row[0] for row in await connection.rows(Statement("show grants")))
        return {need: right_by_grants(grants, table, need.verb, need.fields) for need, table in needs.items()}

    async def explain(
        self, connection: SqlConnection, fault: Fault, table: Table, columns: Sequence[str], right: str
    ) -> Explanation | None:
        """Nobody is told of a table that is closed to them, nor that one is not there.

        Where a grant is left on a name that is gone, MariaDB says so itself (1146, 1054).
        """
        if fault.code not in {_DENIED_TABLE, _DENIED_COLUMN}:
            return None
        shown = {row[0] for row in await connection.rows(Statement(_SHOWN, (table.schema, table.name)))}
        unseen = [column for column in columns if column not in shown]
        if columns and not unseen:
            return Explanation(Outcome.PERMISSION_DENIED, "high", f"no right to {right}")
        missing = ", ".join(unseen) if shown else table.name
        words = f"no right to {right} {missing}, or it is not there: MariaDB does not tell which"
        concerned = tuple(unseen) if shown else ()
        return Explanation(Outcome.PERMISSION_DENIED, "low", words, concerned, DENIED_OR_GONE)
