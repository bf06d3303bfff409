"""What the source's records are made of: as it describes them itself, and as they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lineshaft.api.adapters.postgres import SQL
from lineshaft.common.postgres.pool import Pool

SAMPLE_RECORDS = 60
SAMPLES = 4
DEEPEST = 3
LONGEST = 80
TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "decimal",
    Decimal: "decimal",
    list: "list",
}
"""Of a value that the source has not described."""


@dataclass(slots=True)
class SourceField:
    path: str
    type: str = ""
    label: str = ""
    described: bool = False
    """Named by the source itself; otherwise only seen in records."""
    readable: bool = True
    codes: dict[str, str] = field(default_factory=dict)
    """What the source declares that it may hold, with its labels."""
    custom: bool = False
    """As the source says, of it or of what it is a part of."""
    filled: int = 0
    """Of the sample records, how many have a value there."""
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SampleRecord:
    source_id: str
    raw: dict[str, Any]


async def sample_records(pool: Pool, connection_id: str, entity: str) -> list[SampleRecord]:
    """The stored records that changed last."""
    rows = await pool.fetch(SQL["sample_records"], connection_id, entity, SAMPLE_RECORDS)
    return [SampleRecord(row["source_id"], row["raw"]) for row in rows]


async def source_fields(
    pool: Pool, connection_id: str, name: str, records: Sequence[SampleRecord]
) -> list[SourceField]:
    """Fields of the object `name`, those of the source's own description first."""
    described = await pool.fetchval(SQL["source_fields"], connection_id, name) or []
    found = {
        one["name"]: SourceField(
            one["name"],
            one.get("type") or "",
            one.get("label") or "",
            described=True,
            readable=one.get("readable", True),
            codes=one.get("codes") or {},
            custom=one.get("custom", False),
        )
        for one in described
    }
    for record in records:
        for path, value in _leaves(record.raw, "", 1):
            head = found.get(path.partition(".")[0])
            seen = found.setdefault(
                path, SourceField(path, TYPES.get(type(value), ""), custom=bool(head and head.custom))
            )
            seen.filled += 1
            text = str(value)[:LONGEST]
            if len(seen.samples) < SAMPLES and text not in seen.samples:
                seen.samples.append(text)
    return list(found.values())


def _leaves(value: Mapping[str, Any], within: str, depth: int) -> list[tuple[str, Any]]:
    """Paths with their values, as a mapping would write them; empty values are left out."""
    leaves: list[tuple[str, Any]] = []
    for key, one in value.items():
        name = key.removesuffix(".")
        quoted = f"'{name.replace(chr(39), chr(39) * 2)}'" if "." in name or "'" in name else name
        path = f"{within}{quoted}"
        if isinstance(one, Mapping):
            if depth < DEEPEST:
                leaves += _leaves(one, f"{path}.", depth + 1)
        elif one not in (None, "", []):
            leaves.append((path, one))
    return leaves
