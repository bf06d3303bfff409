"""What the SQL adapter asks of a database product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from lineshaft.common.errors import LineshaftError
from lineshaft.common.outcomes import Outcome, Rung
from lineshaft.connector.domain.evidence import Confidence
from lineshaft.connector.domain.protocol import Need, Right

Row = Sequence[Any]


class Family(StrEnum):
    """How a column's values behave."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"
    BINARY = "binary"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    """As the database writes it, fit for a cast."""
    family: Family = Family.OTHER
    nullable: bool = True
    key: bool = False
    readable: bool = True
    generated: bool = False
    defaulted: bool = False
    clock: Literal["zoned", "utc", "local"] = "local"
    """Of a timestamp: with its zone, without one in UTC, or without one in the plant's own time."""
    label: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    """Those of an enumeration, or of a check that lists them."""


@dataclass(frozen=True, slots=True)
class Table:
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    text: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is and whose account is used."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    tls: Literal["verify", "encrypt", "off"] = "verify"
    ca_certificate: str | None = field(default=None, repr=False)
    """PEM of an authority that is trusted besides the public ones."""
    statement_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What an error code comes to."""

    outcome: Outcome
    confidence: Confidence = "high"
    rung: Rung | None = None
    name: str | None = None
    """The code that is told; the database's own where there is none."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a database said instead of doing what was asked."""

    code: str
    message: str
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a second look found out about a refusal."""

    outcome: Outcome
    confidence: Confidence
    words: str
    columns: tuple[str, ...] = ()
    """Those that are concerned, where it is not the whole table."""
    name: str | None = None
    """The code that is told; the database's own where there is none."""


class RowCountError(LineshaftError):
    """A write that should have touched one row touched another number of them; nothing was changed."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} rows have this key, not one")
        self.count = count


class SqlConnection(Protocol):
    async def rows(self, statement: Statement) -> Sequence[Row]: ...

    async def change_one(self, statement: Statement) -> Row | None:
        """Carry out a write that touches one row; what it returns, if anything.

        Raises:
            RowCountError: it would touch none or several; it is rolled back.
        """

    async def close(self) -> None: ...


class Dialect(Protocol):
    codes: Mapping[str, Finding]
    """By error code, else by the first two characters of the SQLSTATE."""
    who_am_i: str
    """Gives the account, the server's own identity if it has one, and its time in UTC."""
    expiries: Sequence[str]
    """Each gives when the password of the account ends, or null; the first that is answered counts."""
    default_port: int

    async def connect(self, place: Place, address: str) -> SqlConnection:
        """Dials this address, which was checked; TLS names `place.host`."""

    def schema_of(self, database: str, schema: str | None) -> str: ...

    def quoted(self, name: str) -> str: ...

    def parameter(self, number: int, column: Column | None) -> str: ...

    def argument(self, value: Any, column: Column | None) -> Any: ...

    def columns(self, table: Table) -> Statement: ...

    def column(self, row: Row) -> Column: ...

    def fault(self, error: BaseException) -> Fault | None:
        """What the database said; None where the error is no answer of it."""

    async def rights(self, connection: SqlConnection, needs: Mapping[Need, Table]) -> Mapping[Need, Right]:
        """What the database's own tables of rights say of the account."""

    async def explain(
        self, connection: SqlConnection, fault: Fault, table: Table, columns: Sequence[str], right: str
    ) -> Explanation | None:
        """A refusal looked into with the database's own tables of rights; None where that adds nothing."""
