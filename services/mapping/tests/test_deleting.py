"""After a complete read, what it did not find is gone; unless it is too much to be believed."""

from datetime import timedelta
from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import DeletionsApproved
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.syncs import SyncMode, SyncResult
from lineshaft.common.ids import new_id
from lineshaft.common.kafka.record import Message
from lineshaft.mapping.adapters import postgres
from lineshaft.mapping.deleting import on_approvals
from lineshaft.mapping.domain.deletions import LONGEST_READ, is_suspicious
from lineshaft.mapping.domain.records import DELETED_HASH

from . import drive
from .builders import READ_AT, mapping_changed, read_completed, records_read
from .drive import Reader, Service

pool, service, items = drive.pool, drive.service, drive.items

LATER = READ_AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("missing", "known", "suspicious"),
    [
        (0, 0, False),
        (1, 1, False),
        (2, 2, True),
        (10, 40, False),
        (11, 40, True),
        (150, 1000, False),
        (201, 1000, True),
    ],
)
def test_how_many_are_believed(missing: int, known: int, *, suspicious: bool) -> None:
    assert is_suspicious(missing, known) is suspicious


class Reads:
    """Complete reads of one object, one after another."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._epoch = 0

    async def read(
        self,
        *keys: int,
        mode: SyncMode = SyncMode.FULL,
        result: SyncResult = SyncResult.COMPLETED,
        started_at_first: bool = False,
    ) -> None:
        self._epoch += 1
        sync_id = new_id("syn")
        at = READ_AT + timedelta(hours=self._epoch)
        about = {"connection_id": self._service.connection_id, "sync_id": sync_id, "epoch": self._epoch}
        pages: list[Message] = [
            records_read(
                [{"id": key, "name": f"{key}"} for key in part], sequence=number, read_at=at, **about
            )
            for number, part in enumerate((keys[:2], keys[2:]), 1)
        ]
        end = read_completed(
            "product",
            sync_objects=["product"],
            sequence=2,
            mode=mode,
            result=result,
            started_at=READ_AT if started_at_first else at,
            **about,
        )
        await self._service.raw(*pages, end)

    async def there(self) -> list[str]:
        return [one["source_id"] for one in await self._service.stored() if one["deleted_at"] is None]


async def test_a_record_that_no_remap_has_reached_ends_as_the_mapping_in_force_shows_it(
    service: Service, items: Reader
) -> None:
    about = {"connection_id": service.connection_id}
    await service.raw(records_read([{"id": 1, "name": "Pump", "code": "P-1"}], **about))
    by_code = {"fields": {"name": "code"}}
    await service.change_mapping(mapping_changed(by_code, connection_id=service.connection_id))
    await items.new()
    await service.raw(records_read([], deleted=["1"], sequence=2, read_at=LATER, **about))
    (stored,) = await service.stored()
    document = stored["document"]
    assert (stored["mapping_version"], document["mapping_version"], document["name"]) == (2, 2, "P-1")
    assert (stored["revision"], document["revision"]) == (2, 2)
    assert document["deleted_at"] == document["observed_at"] == "2026-03-01T07:30:00Z"
    told, _ = await items.new()
    assert told.data == document


@pytest.fixture
def reads(service: Service) -> Reads:
    return Reads(service)


pytestmark = pytest.mark.integration


async def test_what_a_complete_read_lacks_is_deleted_with_event_and_tombstone(
    service: Service, reads: Reads, items: Reader
) -> None:
    await reads.read(1, 2, 3, 4)
    await items.wait_for(4)
    await reads.read(1, 2, 4)
    assert await reads.there() == ["1", "2", "4"]
    deleted, tombstone = [one for one in await items.new() if one.key.startswith(service.connection_id)]
    assert (deleted.type, deleted.data["deletion_kind"]) == ("lineshaft.entity.deleted", "absent")
    assert tombstone.type == ""
    await reads.read(1, 2, 4)
    assert await items.new() == []


async def test_a_record_that_comes_back_is_there_again(reads: Reads) -> None:
    await reads.read(1, 2, 3)
    await reads.read(1, 2)
    await reads.read(1, 2, 3)
    assert await reads.there() == ["1", "2", "3"]


async def test_incremental_and_failed_reads_delete_nothing(reads: Reads) -> None:
    await reads.read(1, 2, 3)
    await reads.read(1, mode=SyncMode.INCREMENTAL)
    await reads.read(1, 2, result=SyncResult.FAILED)
    assert await reads.there() == ["1", "2", "3"]


async def test_what_was_stored_while_the_read_went_on_is_kept(service: Service, reads: Reads) -> None:
    await reads.read(1, 2, 3)
    written = records_read(
        [{"id": 9, "name": "9"}],
        connection_id=service.connection_id,
        epoch=1,
        sequence=3,
        sync_id="write",
        read_at=READ_AT + timedelta(minutes=90),
    )
    await service.raw(written)
    await reads.read(1, 2, 3, started_at_first=True)
    assert await reads.there() == ["1", "2", "3", "9"]


async def test_a_read_that_takes_days_has_found_what_its_first_pages_held(
    service: Service, reads: Reads
) -> None:
    await reads.read(1, 2, 3)
    long_ago, sync_id = now() - timedelta(days=3), new_id("syn")
    about = {"connection_id": service.connection_id, "sync_id": sync_id, "epoch": 2}
    first = [{"id": 1, "name": "1"}, {"id": 2, "name": "2"}]
    await service.raw(records_read(first, sequence=1, read_at=long_ago, **about))
    await fold(service)
    last = records_read([{"id": 3, "name": "3"}], sequence=2, read_at=now(), **about)
    end = read_completed(
        "product",
        sync_objects=["product"],
        sequence=2,
        mode=SyncMode.FULL,
        started_at=long_ago,
        ended_at=now(),
        **about,
    )
    await service.raw(last, end)
    assert await reads.there() == ["1", "2", "3"]
    await fold(service)
    await service.raw(end)
    assert await reads.there() == ["1", "2", "3"]


async def test_a_read_that_took_too_long_deletes_nothing(service: Service, reads: Reads) -> None:
    await reads.read(1, 2, 3)
    about = {"connection_id": service.connection_id, "epoch": 2}
    end = read_completed(
        "product",
        sync_objects=["product"],
        mode=SyncMode.FULL,
        sync_id=new_id("syn"),
        started_at=now() - LONGEST_READ - timedelta(days=1),
        ended_at=now(),
        **about,
    )
    await service.raw(records_read([{"id": 1, "name": "1"}], sequence=1, read_at=now(), **about), end)
    assert await reads.there() == ["1", "2", "3"]


async def fold(service: Service) -> None:
    while await postgres.fold_old_slices(service.pool, now(), timedelta(days=1)):
        pass


async def approve(service: Service, name: str) -> dict[str, object] | None:
    """The problem, if there is one."""
    command = DeletionsApproved(
        command_id=new_id("op"), connection_id=service.connection_id, object=name, actor="key_1"
    )
    async with service.pool.acquire() as tx, tx.transaction():
        await on_approvals(tx, [new_event(command, source="api", key=service.connection_id)])
    row = await service.pool.fetchrow(
        "select convert_from(value, 'UTF8')::jsonb as data from outbox"
        " where topic = 'command.results' order by id desc limit 1"
    )
    assert row is not None
    problem: dict[str, object] | None = row["data"]["problem"]
    return problem


async def test_very_many_are_held_until_somebody_approves_them(service: Service, reads: Reads) -> None:
    everything = range(1, 31)
    await reads.read(*everything)
    await reads.read(1, 2)
    assert len(await reads.there()) == 30
    row = await service.pool.fetchrow(
        "select * from deletion_view where connection_id = $1", service.connection_id
    )
    assert row is not None
    assert (row["object"], row["missing"], row["known"], len(row["sample"])) == ("product", 28, 30, 10)
    held = await service.pool.fetch("select key from outbox where topic = 'mapping.events'")
    assert [one["key"].decode() for one in held] == [service.connection_id]

    problem = await approve(service, "nothing")
    assert problem is not None
    assert problem["code"] == "not_found"
    assert await approve(service, "product") is None
    await reads.read(1, 2)
    assert await reads.there() == ["1", "2"]
    assert await service.pool.fetchval("select count(*) from deletion_proposal") == 0


async def test_an_approval_outlives_a_crash_before_all_is_deleted(
    service: Service, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reads.read(*range(1, 31))
    await reads.read(1, 2)
    await approve(service, "product")

    write = postgres.write_records

    async def crash(tx: Any, rows: Any, based_on: Any) -> None:
        if any(row.content_hash == DELETED_HASH for row in rows):
            raise ConnectionResetError
        await write(tx, rows, based_on)

    with monkeypatch.context() as patch:
        patch.setattr(postgres, "write_records", crash)
        with pytest.raises(RetryableError):
            await reads.read(1, 2)
    await reads.read(1, 2)
    assert await reads.there() == ["1", "2"]
