import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lineshaft.common.clock import now
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.mappings import MappingChanged
from lineshaft.common.outcomes import Operation, Outcome, Rung
from lineshaft.connector.adapters import syncs
from lineshaft.connector.domain.aftermath import MOST_ATTEMPTS
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.workers.syncing import Syncing

from . import rig as fixtures
from .rig import FULL, OBJECTS, Rig, a_connection_id, an_event

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration


async def connected(rig: Rig) -> str:
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    return connection_id


async def test_every_object_is_read_whole_and_marked(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id)
    await rig.read_all()
    for name in OBJECTS:
        assert rig.broker.record_ids(name) == list(range(1, 26))
    markers = await rig.markers(connection_id)
    assert set(markers) == set(OBJECTS)
    for name, marker in markers.items():
        assert marker["result"] == {
            "object": name,
            "result": "completed",
            "records": 25,
            "outcome": "ok",
            "message": marker["result"]["message"],
        }
        assert sorted(marker["sync_objects"]) == sorted(OBJECTS)
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read"
    assert {(one["records"], one["pages"]) for one in sync["objects"]} == {(25, 3)}


async def test_one_ok_event_per_slice_tells_all_its_calls(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    (call,) = [call for call in await rig.calls(connection_id) if call["operation"] == "read"]
    assert (call["object"], call["count"], call["records"]) == ("product.product", 3, 25)
    assert call["host"] == "plant.example:443"


async def test_slices_carry_rising_sequences_and_the_key(rig: Rig) -> None:
    connection_id = await connected(rig)
    for rows in (25, 28):
        rig.plant.rows = rows
        await rig.request_sync(connection_id, entities=["item"])
        await rig.read_all()
    slices = rig.broker.slices()
    assert [one["read_sequence"] for one in slices] == [1, 2, 3, 4]
    assert [one["lease_epoch"] for one in slices] == [1, 1, 1, 2]
    assert {message.key for message in rig.broker.messages} == {f"{connection_id}/product.product".encode()}
    traces = [dict(message.headers)["traceparent"] for message in rig.broker.messages]
    assert len(traces) == 4
    assert len(set(traces)) == 2


async def test_the_next_sync_begins_at_the_cursor_and_a_full_one_does_not(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    cursor = await rig.pool.fetchval("select cursor from stream where object = 'product.product'")
    assert cursor == {"done": 25}
    rig.plant.reads.clear()
    await rig.request_sync(connection_id, entities=["item"], mode=FULL)
    leased = await rig.lease()
    assert leased.job.start is None
    await rig.slice(leased).run()
    await rig.request_sync(connection_id, entities=["item"])
    assert (await rig.lease()).job.start == {"done": 25}


async def test_a_slice_whose_time_is_over_goes_on_from_its_page(rig: Rig) -> None:
    connection_id = await connected(rig)
    rig.tools = replace(rig.tools, slice_seconds=0.0)
    await rig.request_sync(connection_id, entities=["item"])
    assert await rig.read_all() == 3
    assert rig.plant.reads == [("product.product", 0), ("product.product", 10), ("product.product", 20)]
    assert rig.broker.record_ids("product.product") == list(range(1, 26))
    assert [one["lease_epoch"] for one in rig.broker.slices()] == [1, 2, 3]


async def test_requests_are_idempotent_and_equal_ones_coalesce(rig: Rig) -> None:
    connection_id = await connected(rig)
    for request_id in ("a", "a", "b"):
        await rig.request_sync(connection_id, entities=["item", "vendor"], request_id=request_id)
    await rig.request_sync(connection_id, entities=["item"], request_id="c")
    assert await rig.pool.fetchval("select count(*) from sync") == 1
    rows = await rig.api_pool.fetch("select request_id, sync_id from connector.sync_view")
    assert sorted(row["request_id"] for row in rows) == ["a", "b", "c"]
    assert len({row["sync_id"] for row in rows}) == 1
    await rig.request_sync(connection_id, entities=["item"], mode=FULL, request_id="d")
    await rig.lease()
    await rig.request_sync(connection_id, entities=["item", "vendor"], request_id="e")
    assert await rig.pool.fetchval("select count(*) from sync") == 3


async def test_what_nobody_can_read_is_a_dead_letter(rig: Rig) -> None:
    connection_id = await connected(rig)
    with pytest.raises(DeadLetterError, match="no connection 'con_nobody'"):
        await rig.request_sync("con_nobody")
    with pytest.raises(DeadLetterError, match="no entity 'spaceship'"):
        await rig.request_sync(connection_id, entities=["spaceship"])
    with pytest.raises(DeadLetterError, match=r"no object 'space\.ship'"):
        await rig.request_sync(connection_id, objects=["space.ship"])
    await rig.describe(connection_id, Lifecycle.DELETED)
    with pytest.raises(DeadLetterError, match="no connection"):
        await rig.request_sync(connection_id)


async def test_one_object_that_is_denied_does_not_stop_the_others(rig: Rig) -> None:
    connection_id = await connected(rig)
    rig.plant.denied.add("purchase.purchase")
    await rig.request_sync(connection_id)
    await rig.read_all()
    markers = await rig.markers(connection_id)
    assert {name: marker["result"]["result"] for name, marker in markers.items()} == {
        name: "failed" if name == "purchase.purchase" else "completed" for name in OBJECTS
    }
    assert markers["purchase.purchase"]["result"]["outcome"] == "permission_denied"
    (call,) = await rig.calls(connection_id, "permission_denied")
    assert (call["object"], call["operation"], call["message"]) == (
        "purchase.purchase",
        "read",
        "not allowed",
    )
    assert (await rig.sync(connection_id))["status"] == "read"


async def test_an_unreachable_source_is_tried_again_a_bounded_number_of_times(rig: Rig) -> None:
    connection_id = await connected(rig)
    rig.plant.failing["product.product"] = Evidence(
        Outcome.UNREACHABLE, Operation.READ, "product.product", code="connection_refused", rung=Rung.TCP
    )
    await rig.request_sync(connection_id, entities=["item"])
    for attempt in range(MOST_ATTEMPTS):
        assert await rig.read_all() == 1
        assert len(await rig.calls(connection_id, "unreachable")) == attempt + 1
        await rig.due_now()
    assert await rig.read_all() == 0
    marker = (await rig.markers(connection_id))["product.product"]
    assert (marker["result"]["result"], marker["result"]["outcome"]) == ("failed", "unreachable")
    assert (await rig.sync(connection_id))["status"] == "failed"


async def test_a_page_that_works_again_resets_the_count(rig: Rig) -> None:
    connection_id = await connected(rig)
    rig.plant.failing["product.product"] = Evidence(
        Outcome.SOURCE_ERROR, Operation.READ, "product.product", 500
    )
    await rig.request_sync(connection_id, entities=["item"])
    for _ in range(MOST_ATTEMPTS - 1):
        await rig.read_all()
        await rig.due_now()
    rig.plant.failing.clear()
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"


async def test_a_rate_limit_holds_the_whole_connection_without_counting(rig: Rig) -> None:
    connection_id = await connected(rig)
    rig.plant.failing["product.product"] = Evidence(
        Outcome.RATE_LIMITED, Operation.READ, "product.product", 429
    )
    await rig.request_sync(connection_id)
    leases = [await rig.lease()]
    while leases[-1].job.object != "product.product":
        await rig.slice(leases[-1]).run()
        leases.append(await rig.lease())
    await rig.slice(leases[-1]).run()
    reads = len(rig.plant.reads)
    assert await rig.read_all() == 0
    assert len(rig.plant.reads) == reads
    assert "waiting" in (await rig.job_states(connection_id)).values()
    rig.plant.failing.clear()
    await rig.due_now()
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"
    assert await rig.pool.fetchval("select max(attempts) from sync_job") == 0


async def test_of_a_rate_limit_without_an_end_the_monitor_hears_what_the_gate_holds(rig: Rig) -> None:
    rig.tools = replace(rig.tools, silent_limit=timedelta(seconds=7))
    connection_id = await connected(rig)
    rig.plant.failing["product.product"] = Evidence(
        Outcome.RATE_LIMITED, Operation.READ, "product.product", 429
    )
    await rig.request_sync(connection_id, entities=["item"])
    before = now()
    await rig.read_all()
    [call] = await rig.calls(connection_id, "rate_limited")
    held_until = await rig.pool.fetchval(
        "select not_before from gate where connection_id = $1", connection_id
    )
    assert datetime.fromisoformat(call["retry_at"]) == held_until
    assert timedelta(seconds=7) <= held_until - before < timedelta(seconds=60)


async def test_a_broker_that_is_down_loses_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineshaft.connector.workers.slice.PUBLISH_ATTEMPTS", 1)
    connection_id = await connected(rig)
    rig.broker.down = True
    await rig.request_sync(connection_id, entities=["item"])
    assert await rig.read_all() == 1
    rig.broker.down = False
    await rig.due_now()
    await rig.read_all()
    assert rig.broker.record_ids("product.product") == list(range(1, 26))
    assert await rig.calls(connection_id, "source_error") == []


async def test_connections_take_turns(rig: Rig) -> None:
    first, second = await connected(rig), await connected(rig)
    await rig.request_sync(first)
    await rig.request_sync(second)
    syncing = Syncing(rig.tools)
    order = []
    while (lease := await syncing.take()) is not None:
        order.append(lease.job.connection_id)
    # no more at a time per connection than the manifest allows
    assert order == [first, second, first, second]


async def test_one_lease_per_object_across_replicas(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"], request_id="a")
    assert await Syncing(rig.tools).take() is not None
    await rig.request_sync(connection_id, entities=["item"], request_id="b")
    assert await Syncing(rig.another().tools).take() is None


async def test_a_worker_that_lost_its_lease_cannot_save_its_cursor(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    stale = await rig.lease()
    await rig.pool.execute("update stream set lease_until = now() - interval '1 second'")
    fresh = await rig.another().lease()
    assert fresh.epoch == stale.epoch + 1
    await rig.another().slice(fresh).run()
    position = await rig.pool.fetchrow("select cursor, read_sequence, lease_owner from stream")
    await rig.slice(stale).run()
    assert await rig.pool.fetchrow("select cursor, read_sequence, lease_owner from stream") == position
    sync = await rig.sync(connection_id)
    assert (sync["objects"][0]["records"], sync["objects"][0]["pages"]) == (25, 3)
    assert len(await rig.markers(connection_id)) == 1


async def test_a_job_that_kills_its_workers_ends(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    syncing = Syncing(rig.tools)
    while await syncing.take() is not None:
        await rig.pool.execute("update stream set lease_until = now() - interval '1 second'")
    marker = (await rig.markers(connection_id))["product.product"]
    assert marker["result"]["result"] == "failed"
    assert "ended its worker" in marker["result"]["message"]


async def test_the_heartbeat_keeps_a_lease_and_notices_a_lost_one(rig: Rig) -> None:
    await rig.request_sync(await connected(rig), entities=["item"])
    syncing = Syncing(rig.tools)
    lease = await syncing.take()
    assert lease is not None
    piece = rig.slice(lease)
    syncing._slices[lease.key] = lease, piece
    await rig.pool.execute("update stream set lease_until = now() + interval '1 second'")
    await syncing._renew()
    assert await rig.pool.fetchval("select lease_until > now() + interval '50 seconds' from stream")
    await rig.pool.execute("update stream set lease_owner = 'somebody', lease_epoch = lease_epoch + 1")
    await syncing._renew()
    await piece.run()
    assert rig.plant.reads == []
    assert await rig.pool.fetchval("select lease_owner from stream") == "somebody"


async def test_sync_started_is_told_once_with_all_who_asked(rig: Rig) -> None:
    connection_id = await connected(rig)
    for asker in ("key_1", "", "schedule", "key_1"):
        await rig.request_sync(connection_id, requested_by=asker)
    await rig.read_all()
    (started,) = await rig.outbox("sync.events")
    assert started["type"] == "sync.started"
    assert sorted(started["data"]["objects"]) == sorted(OBJECTS)
    assert started["data"]["requested_by"] == ["key_1", "schedule"]


async def test_fields_of_a_changed_mapping_are_read_next(rig: Rig) -> None:
    connection_id = await connected(rig)
    changed = MappingChanged(
        connection_id=connection_id,
        system="tryton",
        entity="item",
        object="product.product",
        version=2,
        effective={"fields": {"name": {"path": "name"}}, "custom_fields": {"abc": {"path": "x_abc"}}},
        changed_at=now(),
        changed_by="test",
    )
    async with rig.pool.acquire() as tx, tx.transaction():
        await rig.handlers.on_mappings(tx, [an_event(changed, connection_id)])
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    message = (await rig.markers(connection_id))["product.product"]["result"]["message"]
    assert "x_abc" in message


async def test_a_custom_object_can_be_asked_for(rig: Rig) -> None:
    connection_id = await connected(rig)
    changed = MappingChanged(
        connection_id=connection_id,
        system="tryton",
        entity="custom:machine",
        object="plant.machine",
        version=1,
        effective={"fields": {"display": "name"}},
        changed_at=now(),
        changed_by="test",
    )
    async with rig.pool.acquire() as tx, tx.transaction():
        await rig.handlers.on_mappings(tx, [an_event(changed, connection_id)])
    await rig.request_sync(connection_id, entities=["custom:machine"])
    await rig.read_all()
    assert rig.broker.record_ids("plant.machine") == list(range(1, 26))


def an_object(connection_id: str, name: str, source: str, version: int = 2, **more: Any) -> MappingChanged:
    return MappingChanged(
        connection_id=connection_id,
        system="tryton",
        entity=f"custom:{name}",
        object=source,
        version=version,
        effective={"custom_fields": {"name": {"path": "name", "type": "string"}}, **more} if source else {},
        changed_at=now(),
        changed_by="test",
    )


async def take(rig: Rig, changed: MappingChanged) -> None:
    async with rig.pool.acquire() as tx, tx.transaction():
        await rig.handlers.on_mappings(tx, [an_event(changed, changed.connection_id)])


async def test_each_custom_object_begins_with_all_records_of_its_source(rig: Rig) -> None:
    connection_id = await connected(rig)

    async def read_of(source: str) -> list[int]:
        rig.broker.messages.clear()
        await rig.read_all()
        return rig.broker.record_ids(source)

    everything = list(range(1, 26))
    await take(rig, an_object(connection_id, "machine", "plant.machine"))
    assert await read_of("plant.machine") == everything
    await take(rig, an_object(connection_id, "tool", "plant.machine"))
    assert await read_of("plant.machine") == everything, "a second one over the same table"
    told = {"custom:machine": 2, "custom:tool": 2}
    assert all(one["definitions"] == told for one in rig.broker.slices("plant.machine")), (
        "what it is read for"
    )
    await take(rig, an_object(connection_id, "tool", "plant.machine", 3))
    assert await read_of("plant.machine") == [], "a change for which nothing is missing"
    await take(rig, an_object(connection_id, "tool", "", 4))
    await take(rig, an_object(connection_id, "tool", "plant.machine", 5))
    assert await read_of("plant.machine") == everything, "removed and requested anew"
    await take(rig, an_object(connection_id, "tool", "plant.machine", 7))
    assert await read_of("plant.machine") == everything, "a version was missed, which may have removed it"


async def test_a_custom_object_over_a_listed_one_is_read_as_the_manifest_says(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    await rig.read_all()
    rig.broker.messages.clear()
    await take(rig, an_object(connection_id, "mine", "product.product", key=["code"], cursor="seen_on"))
    await rig.read_all()
    assert rig.broker.record_ids("product.product") == list(range(1, 26))
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    assert source.system.object("product.product") == rig.tools.system("tryton").object("product.product")


async def test_stopping_gives_up_a_slow_read_and_keeps_its_place(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    lease = await rig.lease()
    piece = rig.slice(lease)
    reading = asyncio.Event()

    async def hang(_: str) -> None:
        reading.set()
        await asyncio.sleep(60)

    pages = iter([None, hang])

    def second_page_hangs(name: str) -> Any:
        hook = next(pages, None)
        return hook(name) if hook else None

    rig.plant.before_read = second_page_hangs
    running = asyncio.create_task(piece.run())
    await reading.wait()
    piece.halt()
    await asyncio.wait_for(running, 2)
    rig.plant.before_read = None
    again = await rig.another().lease()
    assert again.job.position == {"after": 10}
    await rig.slice(again).run()
    assert rig.broker.record_ids("product.product") == list(range(1, 26))


async def test_a_fault_of_ours_is_tried_again_and_then_told(rig: Rig) -> None:
    connection_id = await connected(rig)

    def fault(_: str) -> None:
        raise ZeroDivisionError

    rig.plant.before_read = fault
    await rig.request_sync(connection_id, entities=["item"])
    for _ in range(MOST_ATTEMPTS):
        await rig.read_all()
        await rig.due_now()
    marker = (await rig.markers(connection_id))["product.product"]
    assert marker["result"]["result"] == "failed"
    assert "Lineshaft could not read" in marker["result"]["message"]
    assert await rig.calls(connection_id, "source_error") == []


async def test_the_oldest_job_that_waits_for_its_turn_is_told(rig: Rig) -> None:
    connection_id = await connected(rig)
    await rig.request_sync(connection_id, entities=["item"])
    longer = "update sync_job set due_at = now() - interval '1000 s' where connection_id = $1"
    await rig.pool.execute(longer, connection_id)
    assert await syncs.oldest_due(rig.pool) == pytest.approx(1000, abs=30)
    await rig.read_all()
    assert await syncs.oldest_due(rig.pool) < 900
