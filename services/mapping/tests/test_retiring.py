"""Records of a custom object that was removed, or is made from another table now."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lineshaft.common.events.envelope import Event
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.events.records import RemapRequested, RetirementRequested
from lineshaft.common.kafka.record import Message

from . import drive
from .builders import mapping_changed, records_read
from .drive import Reader, Service

if TYPE_CHECKING:
    from lineshaft.tools.testing.infrastructure import Topics

pytestmark = pytest.mark.integration

pool, service = drive.pool, drive.service

ENTITY = "custom:point"
BY_NAME = {"custom_fields": {"name": {"path": "name", "type": "string"}}}
BY_CODE = {"custom_fields": {"code": {"path": "code", "type": "string"}}}


@pytest_asyncio.fixture
async def events(topics: "Topics") -> AsyncIterator[Reader]:
    async with drive.reading(topics, "entities.custom") as reader:
        yield reader


def page(service: Service, table: str, *numbers: int, sequence: int = 1) -> Message:
    records = [{"id": number, "name": f"{table} {number}", "code": f"C-{number}"} for number in numbers]
    return records_read(records, connection_id=service.connection_id, object_name=table, sequence=sequence)


def version(
    service: Service, number: int, table: str, effective: dict[str, Any] | None = None
) -> Event[MappingChanged]:
    return mapping_changed(
        effective or {},
        version=number,
        entity=ENTITY,
        object_name=table,
        connection_id=service.connection_id,
    )


async def drain(service: Service) -> int:
    done = 0
    while waiting := await service.chunks():
        await service.handler(waiting)
        done += len(waiting)
    return done


async def living(service: Service) -> dict[str, str]:
    return {
        one["source_id"]: one["object"] for one in await service.stored(ENTITY) if one["deleted_at"] is None
    }


def deleted(seen: Sequence[drive.Seen]) -> list[tuple[str, int]]:
    return sorted(
        (one.data["source_id"], one.data["revision"]) for one in seen if one.type.endswith(".deleted")
    )


async def begin(service: Service, *numbers: int) -> None:
    await service.on_mappings([version(service, 2, "points", BY_NAME)])
    await drain(service)
    await service.raw(page(service, "points", *numbers, sequence=9))


async def test_a_removed_object_retires_its_records_chunk_by_chunk(service: Service, events: Reader) -> None:
    await begin(service, *range(7))
    await events.new()
    await service.on_mappings([version(service, 3, "")])
    (first,) = await service.chunks()
    assert isinstance(first.data, RetirementRequested)
    assert first.key == f"{service.connection_id}/points", "in the partition of the table"
    await service.handler([first])
    assert len(await living(service)) == 4, "three of a chunk"
    (second,) = await service.chunks()
    await service.handler([first, second])
    await drain(service)
    assert await living(service) == {}
    seen = await events.new()
    assert deleted(seen) == [(str(number), 2) for number in range(7)], "each once, though a chunk came twice"
    told = next(one.data for one in seen if one.type.endswith(".deleted"))
    assert told["deleted_at"] is not None
    assert told["custom_fields"]["name"].startswith("points")
    stored = {one["id"]: one["document"] for one in await service.stored(ENTITY)}
    assert stored[told["id"]] == told
    assert [one for one in seen if one.data == {}], "tombstones, so that the topic forgets the keys"


async def test_what_the_next_table_holds_under_the_same_keys_is_kept(
    service: Service, events: Reader
) -> None:
    await begin(service, 1, 2, 3, 4)
    await service.on_mappings([version(service, 3, ""), version(service, 4, "tanks", BY_CODE)])
    waiting = await service.chunks()
    assert {type(one.data) for one in waiting} == {RetirementRequested, RemapRequested}
    await events.new()
    await service.raw(page(service, "tanks", 3, 4, 5))
    assert await living(service) == {
        "1": "points",
        "2": "points",
        "3": "tanks",
        "4": "tanks",
        "5": "tanks",
    }, "a read of the other table is later than all reads of the first"
    await service.handler(waiting)
    await drain(service)
    assert await living(service) == {"3": "tanks", "4": "tanks", "5": "tanks"}
    assert deleted(await events.new()) == [("1", 2), ("2", 2)]


async def test_a_move_that_skipped_the_removal_retires_too(service: Service) -> None:
    await begin(service, 1)
    await service.on_mappings([version(service, 4, "tanks", BY_CODE)])
    await drain(service)
    assert await living(service) == {}


async def test_an_object_that_was_requested_anew_retires_no_further_and_comes_back(
    service: Service, events: Reader
) -> None:
    await begin(service, *range(5))
    await service.on_mappings([version(service, 3, "")])
    (first,) = await service.chunks()
    await service.handler([first])
    await service.on_mappings([version(service, 4, "points", BY_NAME)])
    await drain(service)
    assert len(await living(service)) == 2, "those that were left"
    await events.new()
    await service.raw(page(service, "points", *range(5), sequence=10))
    assert len(await living(service)) == 5
    assert len([one for one in await events.new() if one.type.endswith(".upserted")]) == 3


async def test_nothing_is_retired_of_a_purged_connection(service: Service, events: Reader) -> None:
    await begin(service, 1)
    await service.on_mappings([version(service, 3, "")])
    await events.new()
    await service.pool.execute("insert into tombstone (connection_id) values ($1)", service.connection_id)
    await drain(service)
    assert await events.new() == []
