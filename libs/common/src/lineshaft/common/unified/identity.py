"""Ids of entities, computed from what is known at the source, so that no lookup is needed."""

from collections.abc import Sequence

from xxhash import xxh3_128_hexdigest

CUSTOM_PREFIX = "custom:"
"""A custom object's records are identified as the entity `custom:<object>`."""


def entity_id(connection_id: str, entity: str, source_id: str) -> str:
    """The id, 32 hexadecimal digits, that a record has in every event and answer.

    The hash is not cryptographic: an id is a name inside its connection, never a permission.
    """
    return xxh3_128_hexdigest(f"{connection_id}\0{entity}\0{source_id}".encode())


def join_source_key(parts: Sequence[object]) -> str:
    """One source id from the parts of a key, e.g. `("BEDFORD", 1001)` -> `BEDFORD/1001`.

    A single part is taken as it is; within a composite key `%` and `/` are percent-escaped.
    """
    if len(parts) == 1:
        return str(parts[0])
    return "/".join(str(part).replace("%", "%25").replace("/", "%2F") for part in parts)


def split_source_key(source_id: str, count: int) -> list[str]:
    """The parts that `join_source_key` joined.

    Raises:
        ValueError: `source_id` has not `count` parts.
    """
    if count == 1:
        return [source_id]
    parts = [part.replace("%2F", "/").replace("%25", "%") for part in source_id.split("/")]
    if len(parts) != count:
        raise ValueError(f"{source_id!r} has {len(parts)} parts, the key has {count}")
    return parts
