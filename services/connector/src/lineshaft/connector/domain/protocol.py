"""What the connector asks of a protocol. Nothing else here knows how a source system speaks.

Cursors are the protocol's own JSON: the connector stores them and gives them back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from lineshaft.common.outcomes import Grant, Verb
from lineshaft.connector.domain.evidence import Evidence

Cursor = Mapping[str, Any]


class WriteOperation(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose account the credentials open."""

    account_id: str
    account_label: str
    expires_at: datetime | None = None
    """When the credentials end, where the source says so."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is to be done with an object; reading, with these of its fields."""

    object: str
    verb: Verb
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    grant: Grant
    fields: tuple[str, ...] = ()
    """Those that are refused, where it is not the whole object."""


UNKNOWN_RIGHT = Right(Grant.UNKNOWN)


@dataclass(frozen=True, slots=True)
class FieldDescription:
    name: str
    type: str
    label: str
    required: bool = False
    readonly: bool = False
    relation: str | None = None
    stored: bool = True
    """A plain column: cheap to read, in contrast to what the source computes, joins or keeps as a file."""
    readable: bool = True
    """False for a field that is there and hidden from this account."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """What the source says that it may hold, with its labels; empty where it says nothing."""
    custom: bool = False
    """Somebody has added it to this installation: the source says so, or the name that it has to have."""


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    name: str
    label: str
    fields: tuple[FieldDescription, ...]
    declared: bool = True
    """False where the source describes nothing: seen in some records, so that another look may see less."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records as the source's own undecoded JSON, each an object."""

    records: Sequence[bytes]
    cursor: Cursor | None
    """Where the next page begins; after the last page, where the next sync begins."""
    last: bool


@dataclass(frozen=True, slots=True)
class Written:
    source_id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the source stored, where it says so."""


class SourceAdapter(Protocol):
    """One connection's source, with the credentials of one version; `host` is its `host:port`.

    Every method raises SourceFailureError with the evidence where the source did not do what was asked.
    """

    host: str

    async def verify(self) -> Verified:
        """Log in if need be and make the cheapest call that proves the credentials."""

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        """These objects as this very instance has them, custom fields included."""

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        """The page at the cursor; without one, the first of a complete read."""

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written: ...

    async def find(
        self, object_name: str, fields: Sequence[str], match: Mapping[str, Any]
    ) -> Sequence[bytes] | None:
        """The records that hold these values, two at most; None where the source cannot be asked so."""

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        """What the source grants of these; one that it cannot be asked for may be left out."""

    def classify(self, answer: Any) -> Evidence:
        """What an answer, or the exception in place of one, comes to."""

    async def aclose(self) -> None:
        """Let go of what was opened; the adapter may be used again."""
