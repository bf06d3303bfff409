"""Rows of the record store on their way out: encoded as they are, or mapped first where they are behind."""

from collections.abc import Mapping
from typing import Any

import orjson

from lineshaft.common.mapping import CompiledMapping, Mapped


def encoded(row: Any, connection_id: str, compiled: CompiledMapping | None) -> bytes:
    """The JSON of one entity. `compiled` is given where the row is behind the mapping in force."""
    if compiled is None:
        document: str = row["document"]
        return document.encode()
    return mapped(row, connection_id, compiled).encode(row["revision"])


def mapped(row: Any, connection_id: str, compiled: CompiledMapping) -> Mapped:
    return compiled.apply(connection_id, row["source_id"], orjson.loads(row["raw"]), row["observed_at"] or "")


def with_raw(entity: bytes, raw: str) -> bytes:
    """`entity` with the source's record as its `raw`."""
    return entity[:-1] + b',"raw":' + raw.encode() + b"}"


def list_body(entities: list[bytes], next_cursor: str | None, meta: Mapping[str, Any]) -> bytes:
    rest = orjson.dumps({"next_cursor": next_cursor, "meta": meta})
    return b'{"data":[' + b",".join(entities) + b"]," + rest[1:]
