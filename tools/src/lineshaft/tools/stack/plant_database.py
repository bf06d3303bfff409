"""The example plant's tables in any SQL database, filled."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineshaft.sandbox.plant import OBJECTS, PlantSize, plant
from lineshaft.tools.stack.layout import find_checkout

SCHEMA_FILE = "plant.sql"
READER = "reader"
STORY_OBJECT = "purchase_orders"


@dataclass(frozen=True)
class Rows:
    table: str
    columns: tuple[str, ...]
    values: list[tuple[Any, ...]]


def plant_schema(system: str) -> str:
    """The statements that the integration of this system documents."""
    return (find_checkout() / "integrations" / system / SCHEMA_FILE).read_text(encoding="utf-8")


def plant_rows(size: PlantSize | None = None) -> Iterator[Rows]:
    records = plant(size)
    for name in OBJECTS:
        columns = tuple(records[name][0])
        yield Rows(name, columns, [tuple(record[column] for column in columns) for record in records[name]])
