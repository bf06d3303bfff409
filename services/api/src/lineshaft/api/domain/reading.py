"""Rows of the record store on their way out: encoded as they are, or mapped first where they are behind."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import orjson

from lineshaft.api.domain.problems import invalid
from lineshaft.common import exact_json
from lineshaft.common.mapping import CompiledMapping, Mapped


def encoded(row: Any, connection_id: str, compiled: CompiledMapping | None) -> bytes:
    """The JSON of one entity. `compiled` is given where the row is behind the mapping in force."""
    if compiled is None:
        document: str = row["document"]
        return document.encode()
    return mapped(row, connection_id, compiled).encode(row["revision"])


def mapped(row: Any, connection_id: str, compiled: CompiledMapping) -> Mapped:
    result = compiled.apply(
        connection_id, row["source_id"], exact_json.decode(row["raw"]), row["observed_at"] or ""
    )
    if row["deleted_at"] is not None and result.document["deleted_at"] is None:
        last = orjson.loads(row["document"])
        return result.as_deleted(last["deleted_at"], last["deletion_kind"])
    return result


def with_raw(entity: bytes, raw: str) -> bytes:
    """`entity` with the source's record as its `raw`."""
    return entity[:-1] + b',"raw":' + raw.encode() + b"}"


def chosen_fields(wanted: list[str], known: Collection[str]) -> frozenset[str] | None:
    """Raises ProblemError for a field that the entity does not have."""
    if not wanted:
        return None
    for name in wanted:
        if name not in known:
            raise invalid("fields", f"there is no field {name!r}; there is {', '.join(sorted(known))}")
    return frozenset({"id", "raw", *wanted})


def with_fields(entity: bytes, chosen: frozenset[str]) -> bytes:
    parts = msgspec.json.decode(entity, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: value for name, value in parts.items() if name in chosen})


def list_body(
    entities: list[bytes], next_cursor: str | None, meta: Mapping[str, Any]
) -> tuple[bytes, memoryview]:
    """The answer, and its content without what only tells how fresh it is."""
    freshness = b',"meta":' + orjson.dumps(meta, option=orjson.OPT_UTC_Z) + b"}"
    # A page is large: it is copied as seldom as can be.
    body = b"".join(
        (b'{"data":[', b",".join(entities), b'],"next_cursor":', orjson.dumps(next_cursor), freshness)
    )
    return body, memoryview(body)[: -len(freshness)]
