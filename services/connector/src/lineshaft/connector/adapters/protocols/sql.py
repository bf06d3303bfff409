"""Any table of an SQL database: read by key or by the time of the last change, written one row at a time.

An adapter opens one connection when it is first needed and closes it with `aclose`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lineshaft.common.integrations.manifest import SourceObject
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.unified import join_source_key, split_source_key
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols.sql_calls import SqlCalls
from lineshaft.connector.adapters.protocols.sql_dialect import (
    Column,
    Dialect,
    Family,
    Place,
    Row,
    RowCountError,
    Statement,
    Table,
)
from lineshaft.connector.adapters.protocols.sql_keys import told_apart
from lineshaft.connector.adapters.protocols.sql_login import SqlLogin
from lineshaft.connector.adapters.protocols.sql_statements import (
    Listing,
    deletion,
    insertion,
    matching,
    nothing_of,
    page_of,
    update,
)
from lineshaft.connector.adapters.protocols.sql_values import (
    beginning,
    plain,
    records,
    text_of,
    to_write,
)
from lineshaft.connector.adapters.protocols.sql_window import Window
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import OF_THE_CONNECTION, Evidence, SourceFailureError, refused
from lineshaft.connector.domain.protocol import (
    Cursor,
    FieldDescription,
    Need,
    ObjectDescription,
    Page,
    Right,
    Verified,
    WriteOperation,
    Written,
)
from lineshaft.connector.domain.sessions import Sessions

_RIGHTS = {
    WriteOperation.CREATE: "insert",
    WriteOperation.UPDATE: "update",
    WriteOperation.DELETE: "delete",
}


class Sql:
    """Settings `host`, `port`, `database`, `schema`, `tls` and `timezone`; `username` and `password`."""

    def __init__(self, dialect: Dialect, target: Target, http: SourceHttp, sessions: Sessions) -> None:
        settings = target.settings
        self._dialect = dialect
        self._target = target
        self._manifest = target.system.manifest
        self._place = Place(
            host=str(settings["host"]),
            port=int(settings.get("port") or dialect.default_port),
            database=str(settings["database"]),
            user=target.credentials["username"],
            password=target.credentials["password"],
            tls=settings.get("tls") or "verify",
            ca_certificate=http.ca_certificate,
            statement_seconds=self._manifest.limits.timeout_s,
        )
        self._schema = dialect.schema_of(self._place.database, settings.get("schema"))
        self._zone = ZoneInfo(str(settings.get("timezone") or "UTC"))
        self._calls = SqlCalls(
            dialect, self._place, SqlLogin(dialect, self._place, http.policy, sessions), self._table
        )
        self._columns: dict[str, dict[str, Column]] = {}
        self.host = f"{self._place.host}:{self._place.port}"

    async def verify(self) -> Verified:
        user, database, _ = await self._who_am_i(Operation.VERIFY)
        account = self._target.account(port=self._place.port, account=f"{user}@{self.host}/{database}")
        return Verified(account, f"{user} on {database}", await self._expiry())

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        descriptions = []
        for name in objects:
            columns = await self._columns_of(name, Operation.DESCRIBE)
            if not columns:
                table = self._table(name)
                await self._calls.rows(nothing_of(self._dialect, table), Operation.DESCRIBE, name)
            descriptions.append(ObjectDescription(name, name, tuple(map(_described, columns.values()))))
        return descriptions

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        listed = self._manifest.listed(object_name)
        columns = await self._columns_of(object_name, Operation.READ)
        window = Window.parse(cursor)
        changed = self._cursor_column(listed, columns, object_name)
        if changed is not None and window.began is None:
            window = window.begun(beginning(await self._time(), changed, self._zone))
        listing = Listing(
            self._table(object_name),
            _selected(fields, listed),
            listed.key,
            listed.cursor.field if listed.cursor else None,
            listed.cursor.fallback if listed.cursor else None,
        )
        most = limit or listed.page_size or self._manifest.limits.page_size
        rows = await self._calls.rows(
            page_of(self._dialect, columns, listing, window, most),
            Operation.READ,
            object_name,
            listing.fields,
        )
        told_apart(rows, listing, object_name)
        page = records(listing.fields, rows, columns, self._zone)
        last = len(rows) < most
        overlap = timedelta(seconds=listed.cursor.overlap_s) if listed.cursor else timedelta()
        return Page(page, _following(window, listing, rows, None if not last else overlap), last)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        listed = self._manifest.listed(object_name)
        if not getattr(listed.write, operation):
            raise refused(object_name, "not_writable", f"{object_name} is not set up for {operation}")
        columns = await self._columns_of(object_name, Operation.WRITE)
        given = {name: to_write(value, columns.get(name), self._zone) for name, value in values.items()}
        statement = self._write_statement(object_name, operation, source_id, given, columns)
        try:
            row = await self._calls.told(
                (await self._calls.open()).change_one(statement),
                Operation.WRITE,
                object_name,
                tuple(given) or tuple(listed.key),
                _RIGHTS[operation],
            )
        except RowCountError as error:
            code = "no_such_row" if error.count == 0 else "not_one_row"
            raise refused(object_name, code, str(error)) from error
        if operation is WriteOperation.CREATE and row is not None:
            source_id = join_source_key([plain(part) for part in row])
        return Written(str(source_id))

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        columns = await self._columns_of(object_name, Operation.READ)
        selected = _selected(fields, self._manifest.listed(object_name))
        statement = matching(self._dialect, columns, self._table(object_name), selected, match)
        rows = await self._calls.rows(statement, Operation.READ, object_name, selected)
        return records(selected, rows, columns, self._zone)

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        tables = {need: self._table(need.object) for need in needs}
        asked = self._dialect.rights(await self._calls.open(), tables)
        return await self._calls.told(asked, Operation.DESCRIBE, None, (), "select")

    def classify(self, answer: BaseException) -> Evidence:
        return self._calls.evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        await self._calls.aclose()

    def _write_statement(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
        columns: Mapping[str, Column],
    ) -> Statement:
        table, key = self._table(object_name), self._manifest.listed(object_name).key
        if operation is WriteOperation.CREATE:
            return insertion(self._dialect, columns, table, key, values)
        try:
            row = (key, split_source_key(source_id or "", len(key)))
        except ValueError as error:
            raise refused(object_name, "not_a_key", str(error)) from error
        if operation is WriteOperation.UPDATE:
            return update(self._dialect, columns, table, row, values)
        return deletion(self._dialect, columns, table, row)

    def _table(self, object_name: str) -> Table:
        schema, _, name = (self._manifest.listed(object_name).resource or object_name).rpartition(".")
        return Table(schema or self._schema, name)

    def _cursor_column(
        self, listed: SourceObject, columns: Mapping[str, Column], object_name: str
    ) -> Column | None:
        column = columns.get(listed.cursor.field) if listed.cursor else None
        if column is not None and column.family is not Family.TIMESTAMP:
            message = f"{column.name} is {column.type}; changes are found by a date and time"
            raise SourceFailureError(
                Evidence(
                    Outcome.CONFIGURATION_ERROR,
                    Operation.READ,
                    object_name,
                    code="cursor_not_a_time",
                    message=message,
                )
            )
        return column

    async def _columns_of(self, object_name: str, operation: Operation) -> dict[str, Column]:
        if object_name not in self._columns:
            rows = await self._calls.rows(
                self._dialect.columns(self._table(object_name)), operation, object_name
            )
            columns = map(self._dialect.column, rows)
            self._columns[object_name] = {column.name: column for column in columns}
        return self._columns[object_name]

    async def _who_am_i(self, operation: Operation) -> Row:
        (row,) = await self._calls.rows(Statement(self._dialect.who_am_i), operation)
        return row

    async def _time(self) -> datetime:
        return _in_utc((await self._who_am_i(Operation.READ))[2])

    async def _expiry(self) -> datetime | None:
        for text in self._dialect.expiries:
            try:
                rows = await self._calls.rows(Statement(text), Operation.VERIFY)
            except SourceFailureError as failure:
                if failure.evidence.outcome in OF_THE_CONNECTION:
                    raise
                continue
            return _in_utc(rows[0][0]) if rows and rows[0][0] else None
        return None


def _described(column: Column) -> FieldDescription:
    return FieldDescription(
        name=column.name,
        type=column.type,
        label=column.label or column.name,
        required=not column.nullable and not column.defaulted,
        readonly=column.generated,
        stored=column.family is not Family.BINARY,
        readable=column.readable,
        codes=column.codes,
    )


def _selected(fields: Sequence[str], listed: SourceObject) -> tuple[str, ...]:
    """Columns by name, the key and the cursor among them; of a dotted field its column."""
    needed = list(listed.key)
    if listed.cursor is not None:
        needed.append(listed.cursor.field)
        if listed.cursor.fallback is not None:
            needed.append(listed.cursor.fallback)
    return tuple(dict.fromkeys(name.split(".", 1)[0] for name in (*needed, *fields)))


def _following(
    window: Window, listing: Listing, rows: Sequence[Row], overlap: timedelta | None
) -> Cursor | None:
    """Where the next page begins or, where `overlap` is given, the next sync."""
    positions = {name: place for place, name in enumerate(listing.fields)}
    youngest = window.after[0] if window.since is not None and window.after else None
    if rows and listing.cursor is not None:
        youngest = rows[-1][positions[listing.cursor]]
        if youngest is None and listing.fallback is not None:
            youngest = rows[-1][positions[listing.fallback]]
    if overlap is not None:
        return window.next_sync(overlap, _moment(youngest))
    key = [text_of(rows[-1][positions[name]]) for name in listing.key]
    return window.next_page(key if window.since is None else [text_of(youngest), *key])


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None
