"""The OData adapter against a server that we did not write."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.domain.protocol import WriteOperation

from .odatapy_source import SET, OdatapySource, odatapy_system
from .sql_source import opened, read_all, refused

FIELDS = ["Plant", "No", "Name", "Price", "ChangedAt"]
START = datetime(2026, 11, 1, tzinfo=UTC)
AWKWARD = ["O'Neill", "50 % & more", "ä/ö?#", "tab\tin"]


@pytest.fixture(params=[None, 25], ids=["pages of ours", "pages of the server"])
def source(request: pytest.FixtureRequest) -> Iterator[OdatapySource]:
    plant = OdatapySource(request.param)
    numbers = [f"M-{number:03d}" for number in range(60)] + AWKWARD
    for number, no in enumerate(numbers):
        moment = START + timedelta(minutes=number)
        plant.put(
            1 + number % 2, no, moment, Name=f"Machine {number}", Price=Decimal(number) + Decimal("1.5")
        )
    plant.put(1, "CHEAP", START, Name="Left out by the filter", Price=Decimal("0.99"))
    with plant.serving():
        yield plant


def keys(found: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(one["Plant"], one["No"]) for one in found]


async def test_who_it_is_and_what_its_metadata_says(source: OdatapySource) -> None:
    async with opened(source, system=odatapy_system()) as adapter:
        assert (await adapter.verify()).account_id == "reader"
        (described,) = await adapter.describe([SET])
    fields = {field.name: (field.type, field.required) for field in described.fields}
    assert fields["No"] == ("String", True)
    assert fields["ChangedAt"] == ("DateTimeOffset", False)


@pytest.mark.parametrize("limit", [7, 25, 1000])
@pytest.mark.parametrize("options", [{}, {"top": False}], ids=["asked for with top", "cut by preference"])
async def test_all_records_that_the_filter_leaves_once(
    source: OdatapySource, limit: int, options: dict[str, bool]
) -> None:
    async with opened(source, system=odatapy_system(**options)) as adapter:
        found, _ = await read_all(adapter, SET, FIELDS, limit=limit)
    assert len(found) == len(set(keys(found))) == 64
    assert keys(found) == sorted(keys(found))
    assert {one["No"] for one in found} >= set(AWKWARD)


async def test_links_of_the_server_are_followed() -> None:
    source = OdatapySource(25)
    for number in range(60):
        source.put(1, f"M-{number:03d}", START, Name="M", Price=Decimal(2))
    with source.serving():
        async with opened(source, system=odatapy_system(top=False)) as adapter:
            await read_all(adapter, SET, FIELDS, limit=1000)
    assert ["skiptoken" in one for one in source.asked if SET in one] == [False, True, True]


async def test_numbers_and_times_keep_what_they_say(source: OdatapySource) -> None:
    async with opened(source, system=odatapy_system()) as adapter:
        found, _ = await read_all(adapter, SET, FIELDS, limit=1000)
    first = next(one for one in found if one["No"] == "M-003")
    assert first == {
        "Plant": 2,
        "No": "M-003",
        "Name": "Machine 3",
        "Price": 4.5,
        "ChangedAt": "2026-11-01T00:03:00Z",
    }


async def test_changes_since_the_last_read(source: OdatapySource) -> None:
    async with opened(source, system=odatapy_system()) as adapter:
        _, cursor = await read_all(adapter, SET, FIELDS, limit=1000)
        none, cursor = await read_all(adapter, SET, FIELDS, cursor)
        assert none == []
        later = datetime(2100, 1, 1, tzinfo=UTC)
        source.put(1, "O'Neill", later, Name="Changed", Price=Decimal(9))
        source.put(2, "NEW", later, Name="New", Price=Decimal(9))
        source.put(2, "NEW BUT CHEAP", later, Name="Left out", Price=Decimal(0))
        changed, _ = await read_all(adapter, SET, FIELDS, cursor, limit=1)
    assert keys(changed) == [(1, "O'Neill"), (2, "NEW")]


async def test_a_record_is_created_changed_found_and_deleted(source: OdatapySource) -> None:
    key = {"Plant": 7, "No": "It's new"}
    async with opened(source, system=odatapy_system()) as adapter:
        created = await adapter.write(SET, WriteOperation.CREATE, None, {**key, "Name": "Made", "Price": 2})
        await adapter.write(SET, WriteOperation.UPDATE, created.source_id, {"Name": "Changed"})
        found = await adapter.find(SET, FIELDS, key)
        await adapter.write(SET, WriteOperation.DELETE, created.source_id, {})
        assert await adapter.find(SET, FIELDS, key) == []
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["Plant"], record["No"], record["Name"]) == (7, "It's new", "Changed")


async def test_a_field_and_a_set_that_are_not_there(source: OdatapySource) -> None:
    async with opened(source, system=odatapy_system()) as adapter:
        field = await refused(lambda: adapter.read(SET, [*FIELDS, "Nope"], None))
        nothing = await refused(lambda: adapter.describe(["Nope"]))
    assert field.outcome is Outcome.CONFIGURATION_ERROR
    assert nothing.outcome is Outcome.CONFIGURATION_ERROR
