"""Deliveries from event to receiver, on a real Postgres."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from aiohttp import web

from lineshaft.common.clock import now
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import EndpointTestRequested, RedeliveryRequested
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.drift import (
    ChangeKind,
    DriftedEntity,
    DriftPolicy,
    FieldChange,
    HurtField,
    MappingDrifted,
)
from lineshaft.common.events.health import ConnectionDisconnected, ReauthorizationRequired, SystemOutage
from lineshaft.common.events.syncs import SyncCompleted, SyncMode, SyncResult
from lineshaft.common.events.webhooks import EndpointDescribed
from lineshaft.common.ids import new_id
from lineshaft.common.links import open_link
from lineshaft.common.metrics import METRICS
from lineshaft.common.outcomes import Fault, Move
from lineshaft.common.postgres.pool import Pool
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.handlers import NEWS
from lineshaft.tools.testing.infrastructure import Database

from .stage import OTHER_SECRET, SECRET, Stage, an_event, eventually

pytestmark = pytest.mark.integration


async def all_in(stage: Stage, endpoint_id: str, state: str, number: int = 1) -> None:
    async def true() -> bool:
        return await stage.states(endpoint_id) == [state] * number

    await eventually(true)


async def outbox_types(pool: Pool) -> list[str]:
    rows = await pool.fetch("select headers from outbox order by id")
    return [dict(row["headers"])["ce_type"].removeprefix("lineshaft.") for row in rows]


async def test_an_event_arrives_signed_with_a_link_and_is_logged(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending():
        await stage.tell("con_1", ReauthorizationRequired)
        await all_in(stage, endpoint, "delivered")
    [(_, body, headers)] = stage.receiver.got["/hooks"]
    assert headers["Content-Type"] == "application/json"
    assert body["type"] == "connection.reauthorization_required"
    assert body["data"]["metadata"] == {"customer": 7}
    token = body["data"]["reauthorize_url"].rpartition("/")[2]
    assert open_link(token, "link-key", now=now()) == "con_1"
    attempt = await stage.pool.fetchrow("select * from attempt_view")
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 204, None)
    assert await outbox_types(stage.pool) == ["notification.delivered"]


async def test_an_event_told_twice_is_delivered_once(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending():
        event = await stage.tell("con_1")
        await stage.handle("connection-events", event, event)
        await stage.pool.execute("delete from inbox")
        await stage.handle("connection-events", event)
        await all_in(stage, endpoint, "delivered")
        await asyncio.sleep(0.3)
    assert len(stage.receiver.ids("/hooks")) == 1


async def test_an_old_event_that_is_read_once_more_goes_to_no_new_endpoint(stage: Stage) -> None:
    event = await stage.tell("con_1")
    await asyncio.sleep(0.01)
    endpoint = await stage.endpoint("/new")
    await stage.pool.execute("delete from inbox")
    await stage.handle("connection-events", event)
    assert await stage.states(endpoint) == []


async def test_each_endpoint_gets_what_it_chose(stage: Stage) -> None:
    await stage.endpoint("/all")
    await stage.endpoint("/syncs", event_types=["sync.completed"])
    await stage.endpoint("/one", connection_ids=["con_1"])
    await stage.endpoint("/off", enabled=False)
    last = await stage.endpoint("/recovered", event_types=["connection.recovered"])
    async with stage.sending():
        await stage.tell("con_1")
        await stage.tell("con_2")
        await all_in(stage, last, "delivered", 2)
        await eventually(lambda: _has(stage, "/all", 2))
    assert {path: len(got) for path, got in stage.receiver.got.items()} == {
        "/all": 2,
        "/one": 1,
        "/recovered": 2,
    }


async def _has(stage: Stage, path: str, number: int) -> bool:
    return len(stage.receiver.ids(path)) == number


async def test_drift_is_told_with_the_fields_that_it_hurts(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", event_types=["mapping.drifted"])
    change = FieldChange(field="class", kind=ChangeKind.DROPPED, type="text")
    hurt = HurtField(
        field="asset_class", source_field="class", kind=ChangeKind.DROPPED, reason="class is gone"
    )
    drifted = MappingDrifted(
        connection_id="con_1",
        system="postgresql",
        object="assets",
        at=now(),
        policy=DriftPolicy.OFFER,
        held=True,
        changes=[change],
        entities=[DriftedEntity(entity="asset", mapping_version=1, fields=[hurt])],
        offered=[],
        move=Move.VENDOR,
        summary="assets has changed.",
        action="Map anew.",
    )
    async with stage.sending():
        await stage.handle("mapping-events", an_event(drifted, "con_1"))
        await all_in(stage, endpoint, "delivered")
    [(_, body, _)] = stage.receiver.got["/hooks"]
    assert body["type"] == "mapping.drifted"
    assert body["data"]["entities"][0]["fields"][0]["field"] == "asset_class"
    assert (body["data"]["object"], body["data"]["move"], body["data"]["metadata"]) == (
        "assets",
        "vendor",
        {},
    )


async def test_a_sync_carries_what_the_vendor_keeps_with_the_connection(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    described = ConnectionDescribed(
        connection_id="con_1",
        system="tryton",
        metadata={"customer": 9},
        credential_version=1,
        revision=1,
        created_at=now(),
        changed_at=now(),
        reason="created",
    )
    await stage.handle("connections", an_event(described, "con_1"))
    completed = SyncCompleted(
        connection_id="con_1",
        system="tryton",
        sync_id="syn_1",
        at=now(),
        result=SyncResult.COMPLETED,
        mode=SyncMode.FULL,
        started_at=now(),
        records=5,
        objects=[],
    )
    async with stage.sending():
        await stage.handle("sync-events", an_event(completed, "con_1"))
        await all_in(stage, endpoint, "delivered")
    [(_, body, _)] = stage.receiver.got["/hooks"]
    assert body["type"] == "sync.completed"
    assert body["data"]["metadata"] == {"customer": 9}
    assert body["data"]["records"] == 5


async def test_an_outage_goes_to_who_chose_it_and_has_one_of_the_connections(stage: Stage) -> None:
    outage = SystemOutage(
        outage_id="out_1",
        system="tryton",
        host="erp:443",
        fault=Fault.NETWORK,
        connections=2,
        connection_ids=["con_1", "con_2"],
        summary="out of reach",
        move=Move.SOURCE_VENDOR,
        action="wait",
        began_at=now(),
        at=now(),
    )
    await stage.handle("connection-events", an_event(outage, "tryton/erp:443"))
    chosen = await stage.endpoint("/mine", connection_ids=["con_2"], changed_at=now() - timedelta(seconds=5))
    await stage.endpoint("/other", connection_ids=["con_3"], changed_at=now() - timedelta(seconds=5))
    async with stage.sending():
        await all_in(stage, chosen, "delivered")
    [(_, body, _)] = stage.receiver.got["/mine"]
    assert body["type"] == "system.outage"
    assert (body["data"]["host"], body["data"]["connections"]) == ("erp:443", 2)
    assert "connection_ids" not in body["data"]
    assert list(stage.receiver.got) == ["/mine"]


async def test_of_a_deleted_connection_only_its_last_word_goes_out_and_then_nothing_is_left(
    stage: Stage,
) -> None:
    endpoint = await stage.endpoint("/hooks")
    await stage.tell("con_1")
    await stage.tell("con_2")
    deleted = ConnectionDescribed(
        connection_id="con_1",
        system="tryton",
        lifecycle=Lifecycle.DELETED,
        metadata={"customer": 9},
        credential_version=1,
        revision=2,
        created_at=now(),
        changed_at=now(),
        reason="deleted",
    )
    await stage.handle("connections", an_event(deleted, "con_1"))
    await stage.purge("con_1")
    assert [row["connection_id"] for row in await stage.deliveries(endpoint)] == ["con_2"]
    await stage.tell("con_1", ReauthorizationRequired)
    await stage.tell("con_1", ConnectionDisconnected)
    late = deleted.model_copy(update={"lifecycle": Lifecycle.ACTIVE, "revision": 9})
    await stage.handle("connections", an_event(late, "con_1"))
    await postgres.purge_last_words(stage.pool)
    assert await stage.pool.fetchval("select count(*) from event where connection_id = 'con_1'") == 1
    async with stage.sending():
        await all_in(stage, endpoint, "delivered", 2)
    types = {body["data"]["connection_id"]: body["type"] for _, body, _ in stage.receiver.got["/hooks"]}
    assert types == {"con_2": "connection.recovered", "con_1": "connection.disconnected"}
    await postgres.purge_last_words(stage.pool)
    assert await stage.pool.fetchval("select count(*) from event where connection_id = 'con_1'") == 0
    row = await stage.pool.fetchrow("select * from connection where connection_id = 'con_1'")
    assert (row["deleted"], row["metadata"], row["system"]) == (True, {}, "")


async def test_an_endpoint_gets_what_reached_us_before_it_did(stage: Stage) -> None:
    made_at = now() - timedelta(seconds=5)
    await stage.tell("con_1")
    endpoint = await stage.endpoint("/early", changed_at=made_at)
    late = await stage.endpoint("/late", changed_at=now() + timedelta(seconds=5))
    async with stage.sending():
        await all_in(stage, endpoint, "delivered")
    assert await stage.states(late) == []


async def test_a_receiver_that_was_down_gets_it_with_the_same_id(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    failures = 3

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500 if len(stage.receiver.ids("/hooks")) <= failures else 200, text="oh")

    stage.receiver.answers["/hooks"] = answer
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "delivered")
    ids = stage.receiver.ids("/hooks")
    assert len(ids) == failures + 1
    assert len(set(ids)) == 1
    rows = await stage.pool.fetch("select number, status, response_body from attempt_view order by number")
    assert [tuple(row) for row in rows] == [
        (1, 500, "oh"),
        (2, 500, "oh"),
        (3, 500, "oh"),
        (4, 200, "oh"),
    ]


async def test_after_ten_tries_it_is_given_up_and_said(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    stage.receiver.answers["/hooks"] = answer
    async with stage.sending(retry_scale=0.000001):
        await stage.tell("con_1")
        await all_in(stage, endpoint, "given_up")
    assert len(stage.receiver.ids("/hooks")) == 10
    assert await outbox_types(stage.pool) == ["notification.given_up"]


async def test_retry_after_is_obeyed(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    moments: list[float] = []

    async def answer(_: web.Request) -> web.StreamResponse:
        moments.append(time.monotonic())
        return web.Response(status=429 if len(moments) == 1 else 200, headers={"retry-after": "1"})

    stage.receiver.answers["/hooks"] = answer
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "delivered")
    assert 1 <= moments[1] - moments[0] < 1.5
    [row] = await stage.deliveries(endpoint)
    assert (row["attempts"], row["tries"], row["deferrals"]) == (2, 1, 1)


async def test_gone_disables_the_endpoint_until_its_owner_changes_it(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=410)

    stage.receiver.answers["/hooks"] = answer
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "given_up")
        await stage.tell("con_2")
        await asyncio.sleep(0.3)
        assert await stage.states(endpoint) == ["given_up", "due"]
        reason = await stage.pool.fetchval("select disabled_reason from endpoint_state_view")
        assert "410" in reason
        stage.receiver.answers.clear()
        await stage.endpoint("/hooks", endpoint_id=endpoint, revision=2, secret=None)

        async def true() -> bool:
            return await stage.states(endpoint) == ["given_up", "delivered"]

        await eventually(true)


async def test_nothing_is_sent_unsigned(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", secret=None)
    await stage.add_secret(endpoint, SECRET, bound_to="another/row")
    async with stage.sending():
        await stage.tell("con_1")

        async def held() -> bool:
            [row] = await stage.deliveries(endpoint)
            return row["last_error"] is not None

        await eventually(held)
        [row] = await stage.deliveries(endpoint)
        assert (row["state"], row["attempts"]) == ("due", 0)
        assert "nothing is sent unsigned" in row["last_error"]
        assert stage.receiver.got == {}
        await stage.add_secret(endpoint, SECRET)
        await all_in(stage, endpoint, "delivered")


async def test_while_rotated_both_secrets_sign(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "delivered")
        await stage.add_secret(endpoint, OTHER_SECRET)
        await stage.tell("con_2")
        await all_in(stage, endpoint, "delivered", 2)
        stage.receiver.secret = OTHER_SECRET
        await stage.tell("con_3")
        await all_in(stage, endpoint, "delivered", 3)
    signatures = [headers["webhook-signature"] for _, _, headers in stage.receiver.got["/hooks"]]
    assert [len(signature.split()) for signature in signatures] == [1, 2, 2]


async def test_several_senders_make_each_delivery_once(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending(3):
        for number in range(200):
            await stage.tell(f"con_{number}")
        await all_in(stage, endpoint, "delivered", 200)
    ids = stage.receiver.ids("/hooks")
    assert len(ids) == len(set(ids)) == 200


async def test_a_slow_endpoint_holds_up_nobody_else(stage: Stage) -> None:
    slow = await stage.endpoint("/slow", event_types=["connection.reauthorization_required"])
    quick = await stage.endpoint("/quick", event_types=["connection.recovered"])

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    stage.receiver.answers["/slow"] = answer
    async with stage.sending(endpoint_concurrency=2, endpoint_prefetch=2):
        for number in range(20):
            await stage.tell(f"con_{number}", ReauthorizationRequired)
        await asyncio.sleep(0.2)
        started = time.monotonic()
        await stage.tell("con_1")
        await all_in(stage, quick, "delivered")
        assert time.monotonic() - started < 0.5
        assert len(stage.receiver.ids("/slow")) == 2
    assert (await stage.states(slow)).count("due") >= 10


async def test_a_hundred_thousand_due_of_one_endpoint_are_no_turn_of_another(stage: Stage) -> None:
    """By count: the noisy one never has more in hand than its share, whatever waits of it."""
    noisy = await stage.endpoint("/noisy", event_types=["connection.reauthorization_required"])
    others = [await stage.endpoint(f"/other/{number}") for number in range(50)]
    await stage.tell("con_noisy", ReauthorizationRequired)
    await stage.pool.execute("truncate delivery, attempt")
    await stage.pool.execute(
        "insert into event (event_id, event_type, at, data)"
        " select 'evt_noisy_' || n, 'connection.reauthorization_required', now() - interval '1 h', '{}'"
        " from generate_series(1, 100000) n"
    )
    await stage.pool.execute(
        "insert into delivery"
        " (delivery_id, webhook_id, endpoint_id, event_id, event_type, next_attempt_at, due_at)"
        " select 'dlv_' || event_id, 'msg_' || event_id, $1, event_id, event_type, now() - interval '1 h',"
        " now() - interval '1 h' from event where event_id like 'evt_noisy%'",
        noisy,
    )
    await stage.pool.execute("analyze delivery; analyze event")
    hold = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        await hold.wait()
        return web.Response()

    stage.receiver.answers["/noisy"] = answer
    async with stage.sending(
        endpoint_concurrency=4, endpoint_prefetch=6, request_seconds=30, lease_seconds=60
    ):
        await eventually(lambda: _got(stage, "/noisy", 4))
        await stage.tell("con_1")
        for endpoint in others:
            await all_in(stage, endpoint, "delivered")
        assert len(stage.receiver.ids("/noisy")) == 4, "its lane is full, and nobody waits for it"
        in_hand = "select count(*) from delivery where endpoint_id = $1 and lease_epoch > 0"
        assert await stage.pool.fetchval(in_hand, noisy) <= 10
        hold.set()
    assert all(len(stage.receiver.ids(f"/other/{number}")) == 1 for number in range(50))
    await stage.pool.execute("truncate endpoint, event, delivery, attempt")


async def _got(stage: Stage, path: str, number: int) -> bool:
    return len(stage.receiver.ids(path)) >= number


async def test_what_a_dead_sender_had_in_hand_is_sent_again_with_the_same_id(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    block = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        if not block.is_set():
            await asyncio.sleep(2)
        return web.Response()

    stage.receiver.answers["/hooks"] = answer
    dying = asyncio.create_task(stage.sender(request_seconds=0.5, lease_seconds=3).run(asyncio.Event()))
    await stage.tell("con_1")
    await eventually(lambda: _has(stage, "/hooks", 1))
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    await stage.pool.execute("update delivery set state = 'due', due_at = now() + interval '1 second'")
    block.set()
    async with stage.sending():
        await all_in(stage, endpoint, "delivered")
    assert len(set(stage.receiver.ids("/hooks"))) == 1


async def test_stopping_gives_back_what_waits_and_finishes_what_is_on_its_way(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response()

    stage.receiver.answers["/hooks"] = answer
    async with stage.sending(endpoint_concurrency=2):
        for number in range(10):
            await stage.tell(f"con_{number}")
        await eventually(lambda: _has(stage, "/hooks", 2))
    rows = await stage.deliveries(endpoint)
    assert sorted(row["state"] for row in rows) == ["delivered"] * 2 + ["due"] * 8
    assert all(row["due_at"] == row["next_attempt_at"] for row in rows)
    assert len(stage.receiver.ids("/hooks")) == 2


async def test_a_delivery_is_made_again_on_request(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "delivered")
        [row] = await stage.deliveries(endpoint)
        command = RedeliveryRequested(command_id="cmd_1", delivery_id=row["delivery_id"])
        await stage.handle("commands", an_event(command, endpoint))
        await eventually(lambda: _has(stage, "/hooks", 2))
        await all_in(stage, endpoint, "delivered")
    assert len(set(stage.receiver.ids("/hooks"))) == 1
    unknown = RedeliveryRequested(command_id="cmd_2", delivery_id="dlv_none")
    await stage.handle("commands", an_event(unknown, endpoint))
    values = await stage.pool.fetch("select value from outbox where topic = 'command.results' order by id")
    assert b'"problem":null' in values[0]["value"]
    assert b'"not_found"' in values[1]["value"]


async def test_a_test_event_goes_to_one_endpoint_only(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks", event_types=["sync.failed"])
    await stage.endpoint("/other")
    async with stage.sending():
        command = EndpointTestRequested(command_id="cmd_1", endpoint_id=endpoint)
        await stage.handle("commands", an_event(command, endpoint))
        await all_in(stage, endpoint, "delivered")
    assert [body["type"] for _, body, _ in stage.receiver.got["/hooks"]] == ["endpoint.test"]
    assert "/other" not in stage.receiver.got


async def test_an_endpoint_that_is_tried_before_it_is_known_here_is_waited_for(stage: Stage) -> None:
    endpoint = new_id("whe")
    command = an_event(EndpointTestRequested(command_id="cmd_1", endpoint_id=endpoint), endpoint)
    with pytest.raises(RetryableError, match="a topic not read so far yet"):
        await stage.handle("commands", command)
    await stage.endpoint("/hooks", endpoint_id=endpoint)
    await stage.handle("commands", command)
    assert await stage.states(endpoint) == ["due"]

    late = an_event(EndpointTestRequested(command_id="cmd_2", endpoint_id="whe_none"), "whe_none")
    await stage.handle("commands", replace(late, time=now() - NEWS))
    told = await stage.pool.fetchval(
        "select value from outbox where topic = 'command.results' order by id desc"
    )
    assert b'"not_found"' in told


async def test_a_deleted_endpoint_gets_nothing_more_and_its_secret_is_gone(stage: Stage) -> None:
    endpoint = await stage.endpoint("/hooks")
    await stage.tell("con_1")
    deleted = EndpointDescribed(
        endpoint_id=endpoint, url="http://gone/", deleted=True, revision=2, changed_at=now()
    )
    await stage.handle("webhook-endpoints", an_event(deleted, endpoint))
    await stage.tell("con_2")
    assert await stage.states(endpoint) == ["cancelled"]
    assert await stage.pool.fetchval("select count(*) from webhook_secret") == 0


async def test_an_older_description_changes_nothing(stage: Stage) -> None:
    endpoint = await stage.endpoint("/new", revision=5)
    await stage.endpoint("/old", endpoint_id=endpoint, revision=4, secret=None)
    url = await stage.pool.fetchval("select url from endpoint where endpoint_id = $1", endpoint)
    assert url.endswith("/new")


async def test_api_may_add_secrets_and_never_read_them(database: Database, pool: Pool) -> None:
    api = await asyncpg.connect(database.dsn("api"))
    try:
        await api.execute(
            "insert into notifier.webhook_secret (secret_id, endpoint_id, sealed) values ($1, 'whe', 'x')",
            new_id("sec"),
        )
        for statement in (
            "select sealed from notifier.webhook_secret",
            "update notifier.webhook_secret set sealed = 'y'",
            "delete from notifier.webhook_secret",
            "select * from notifier.delivery",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api.execute(statement)
        await api.execute("select * from notifier.delivery_view, notifier.attempt_view")
    finally:
        await api.close()


async def test_the_way_to_the_first_try_is_measured_once_per_delivery(stage: Stage) -> None:
    def measured() -> float:
        samples = METRICS.first_attempt_seconds.collect()[0].samples
        return next(one.value for one in samples if one.name.endswith("_count"))

    endpoint = await stage.endpoint("/hooks")
    before = measured()

    async def fail_first(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500 if len(stage.receiver.ids("/hooks")) == 1 else 204)

    stage.receiver.answers["/hooks"] = fail_first
    async with stage.sending():
        await stage.tell("con_1")
        await all_in(stage, endpoint, "delivered")
    assert len(stage.receiver.ids("/hooks")) == 2
    assert measured() == before + 1
