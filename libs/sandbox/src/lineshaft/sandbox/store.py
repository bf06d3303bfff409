"""The plant's records as the interface gives them, and as it is told to change them."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from lineshaft.sandbox.plant import OBJECTS, Plant, Record

TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "string"}


class BadQueryError(ValueError):
    """The request asks for something that there is not."""


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[Record]
    next_cursor: str | None


class Store:
    """Each object's records lie in the order of their ids: a new one has the highest."""

    def __init__(self, plant: Plant) -> None:
        self._records = {
            name: {record["id"]: _plain(record) for record in records} for name, records in plant.items()
        }

    @property
    def objects(self) -> tuple[str, ...]:
        return OBJECTS

    def count(self, name: str) -> int:
        return len(self._records[name])

    def fields(self, name: str) -> dict[str, str]:
        """Names to types, as the first records show them."""
        found: dict[str, str] = {}
        for record in list(self._records[name].values())[:50]:
            for field, value in record.items():
                if value is not None or field not in found:
                    found[field] = TYPES.get(type(value), "object")
        return found

    def page(self, name: str, limit: int, cursor: str | None, updated_after: str | None) -> Page:
        """By id, so that a record keeps its place while others are changed.

        Raises BadQueryError.
        """
        after = _opened(cursor) if cursor else 0
        since = _moment(updated_after) if updated_after else None
        chosen = (
            record
            for key, record in self._records[name].items()
            if key > after and (since is None or _moment(record["updated_at"]) >= since)
        )
        found = list(islice(chosen, limit + 1))
        records = found[:limit]
        return Page(records, _sealed(records[-1]["id"]) if len(found) > limit else None)

    def overlapping(self, name: str, page: Page) -> Page:
        """Half of what came before this page, and then the page."""
        if not page.records:
            return page
        first = page.records[0]["id"]
        before = [record for key, record in self._records[name].items() if key < first]
        return Page([*before[-(len(page.records) // 2) :], *page.records], page.next_cursor)

    def create(self, name: str, values: Record) -> Record:
        key = max(self._records[name], default=0) + 1
        empty = dict.fromkeys(self.fields(name))
        stamp = _text(datetime.now(UTC))
        record = {**empty, **values, "id": key, "created_at": stamp, "updated_at": stamp}
        self._records[name][key] = record
        return record

    def change(self, name: str, key: int, values: Record) -> Record | None:
        record = self._records[name].get(key)
        if record is None:
            return None
        record |= {**values, "id": key, "updated_at": _text(datetime.now(UTC))}
        return record

    def delete(self, name: str, keys: Iterable[int]) -> int:
        return sum(self._records[name].pop(key, None) is not None for key in list(keys))

    def delete_share(self, name: str, share: float) -> int:
        keys = list(self._records[name])
        return self.delete(name, keys[: round(len(keys) * share)])


def _plain(record: Record) -> Record:
    return {name: _json(value) for name, value in record.items()}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return _text(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadQueryError(f"{text!r} is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sealed(key: int) -> str:
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode()


def _opened(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("after:"))
    except ValueError:
        raise BadQueryError(f"{cursor!r} is no cursor of ours") from None
