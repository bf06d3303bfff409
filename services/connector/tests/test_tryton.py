"""Against the real Tryton: what it answers, and what becomes of a sync when it changes its mind."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lineshaft.common.events.calls import Call
from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.tools.stack.tryton import TrytonSource

from . import rig as fixtures
from .access import permissions
from .rig import FULL, OBJECTS, Rig, a_connection_id
from .verdicts import assert_judged, assert_told, cases_of

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools = fixtures.pools

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def tryton(infrastructure: "Infrastructure") -> Iterator[TrytonSource]:
    source = TrytonSource(infrastructure.supervisor, name="tryton-connector")
    source.prepare()
    source.start()
    yield source
    source.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def rig(pools: tuple[Pool, Pool], tryton: TrytonSource) -> AsyncIterator[Rig]:
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        tryton.unlock_logins()
        yield rig


async def connected(rig: Rig, tryton: TrytonSource) -> str:
    connection_id = a_connection_id()
    answer = await authorize(rig, tryton, connection_id)
    assert answer["problem"] is None
    return connection_id


async def authorize(rig: Rig, tryton: TrytonSource, connection_id: str, **options: Any) -> dict[str, Any]:
    values = {"username": tryton.username, "password": options.pop("password", tryton.password)}
    settings = {"base_url": tryton.base_url, "database": tryton.database}
    values |= options.pop("values", {})
    return await rig.authorize(
        connection_id, values=values, settings=settings | options.pop("settings", {}), **options
    )


async def assert_case(rig: Rig, connection_id: str, name: str) -> None:
    """The calls that were told of are those of the monitor's case, and end in its verdict."""
    case = cases_of("tryton")[name]
    calls = [Call.model_validate(one) for one in await rig.calls(connection_id)]
    failed = [call for call in calls if call.outcome is not Outcome.OK]
    steps = [step for step in case["calls"] if "ok" not in step]
    assert_told(failed[-1], steps[-1])
    assert_judged(calls, case)


def requests(tryton: TrytonSource) -> int:
    """Ours, those that were refused included."""
    log = tryton.child.log.read_text(encoding="utf-8", errors="replace")
    return sum("operator" not in target for target in re.findall(r"POST /plant/(\S*) HTTP/", log))


async def test_all_objects_of_the_plant(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id)
    await rig.read_all()
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read", sync
    assert all(one["message"] is None for one in sync["objects"]), sync
    counts = {one["object"]: one["records"] for one in sync["objects"]}
    for name in OBJECTS:
        assert len(rig.broker.record_ids(name)) == counts[name] > 0
    assert counts["purchase.purchase"] == tryton.operator.count("purchase.purchase")
    purchase = rig.broker.slices("purchase.purchase")[0]["records"][0]
    assert {"party", "state", "lines.", "currency.", "comment", "total_amount"} <= set(purchase)


async def test_only_what_changed_is_read_again(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id, entities=["vendor", "location"])
    await rig.read_all()
    rig.broker.messages.clear()
    vendor = tryton.operator.rename_vendor("V-0003", "Renamed AG")
    # Tryton leaves the time of change of a new place empty
    (added,) = tryton.operator.call("model.stock.location.create", [{"name": "Shelf 9", "type": "storage"}])
    await rig.request_sync(connection_id, entities=["vendor", "location"])
    await rig.read_all()
    parties, places = (
        {one["id"]: one for part in rig.broker.slices(name) for one in part["records"]}
        for name in ("party.party", "stock.location")
    )
    assert parties[vendor]["name"] == "Renamed AG"
    assert places[added]["write_date"] is None


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"password": "wrong"}, "credentials_rejected", "refused"),
        ({"settings": {"database": "nope"}}, "configuration_error", "not found"),
        ({"settings": {"base_url": "http://127.0.0.1:9"}}, "unreachable", "no connection to its port"),
        ({"settings": {"base_url": "http://plant.invalid"}}, "unreachable", "name does not resolve"),
        ({"settings": {"base_url": "http://10.1.2.3"}}, "configuration_error", "private"),
    ],
)
async def test_what_can_be_wrong_when_connecting(
    rig: Rig, tryton: TrytonSource, options: dict[str, Any], code: str, words: str
) -> None:
    answer = await authorize(rig, tryton, a_connection_id(), **options)
    assert answer["problem"]["code"] == code
    assert words in answer["problem"]["message"]
    assert "wrong" not in answer["problem"]["message"]


async def test_a_locked_login_is_a_rate_limit(rig: Rig, tryton: TrytonSource) -> None:
    """Failed logins of before stand in for the minute that Tryton lets pass between them."""
    with closing(sqlite3.connect(tryton._folder / f"{tryton.database}.sqlite", timeout=10)) as database:
        database.executemany(
            "insert into res_user_login_attempt (login, create_date)"
            " values (?, datetime('now', 'localtime'))",
            [(tryton.username,)] * 6,
        )
        database.commit()
    try:
        answer = await authorize(rig, tryton, a_connection_id())
    finally:
        tryton.unlock_logins()
    assert answer["problem"]["code"] == "rate_limited"


async def test_a_password_changed_in_the_middle_of_a_sync(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    rig.tools = replace(rig.tools, slice_seconds=0.0)
    await rig.request_sync(connection_id)
    await rig.slice(await rig.lease()).run()
    old, tryton.password = tryton.password, "another-password-2026"
    tryton.operator.change_password(tryton.password)
    try:
        seen = requests(tryton)
        replicas = [rig, rig.another()]
        leases = [await replica.lease() for replica in replicas]
        await asyncio.gather(
            *(replica.slice(lease).run() for replica, lease in zip(replicas, leases, strict=True))
        )
        (call,) = await rig.calls(connection_id, Outcome.CREDENTIALS_REJECTED)
        assert (call["http_status"], call["operation"]) == (401, "login")
        await assert_case(rig, connection_id, "Tryton: the password was changed")
        await rig.read_all()
        assert (await rig.sync(connection_id))["status"] == "waiting"
        # two sessions refused and one login, nothing after it
        assert requests(tryton) - seen == 3
        answer = await authorize(rig, tryton, connection_id, expected_account_id="plant/2")
        assert answer["result"]["credential_version"] == 2
        await rig.read_all()
        assert (await rig.sync(connection_id))["status"] == "read"
    finally:
        tryton.change_password(old)


async def test_another_user_is_another_account(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    tryton.operator.add_user("second", "second-password-2026")
    answer = await authorize(
        rig,
        tryton,
        connection_id,
        values={"username": "second", "password": "second-password-2026"},
        expected_account_id=await rig.pool.fetchval("select account_id from connection"),
    )
    assert answer["problem"]["code"] == "account_mismatch"


async def test_a_right_that_is_taken_away(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    tryton.operator.revoke_read("purchase.purchase")
    try:
        await rig.request_sync(connection_id)
        await rig.read_all()
    finally:
        tryton.operator.restore_read("purchase.purchase")
    results = {name: one["result"]["result"] for name, one in (await rig.markers(connection_id)).items()}
    assert results.pop("purchase.purchase") == "failed"
    assert set(results.values()) == {"completed"}
    (call,) = await rig.calls(connection_id, Outcome.PERMISSION_DENIED)
    assert (call["object"], call["confidence"]) == ("purchase.purchase", "high")
    assert "no read access to purchase.purchase" in call["message"]
    await assert_case(rig, connection_id, "Tryton: the access to a model was revoked")


async def test_rights_are_known_before_they_are_missed(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    before = await permissions(rig, connection_id)
    assert {one["granted"] for (_, verb), one in before.items() if verb == "read"} == {"granted"}
    tryton.operator.revoke_read("stock.lot")
    tryton.operator.revoke_read("party.party")
    try:
        found = await permissions(rig, connection_id)
    finally:
        tryton.operator.restore_read("stock.lot")
        tryton.operator.restore_read("party.party")
    assert found["stock.lot", "read"]["granted"] == "denied"
    assert found["stock.location", "read"]["granted"] == "granted"
    purchase = found["purchase.purchase", "read"]
    assert purchase["granted"] == "denied"
    assert any(name.split(".")[0] == "party" for name in purchase["fields"]), purchase
    assert await rig.calls(connection_id, Outcome.PERMISSION_DENIED) == []


@pytest.mark.parametrize("described_before", [False, True])
async def test_a_right_to_a_related_object_that_is_taken_away(
    rig: Rig, tryton: TrytonSource, *, described_before: bool
) -> None:
    """Tryton hides the reference itself; going on without it would empty what is stored."""
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id, entities=["purchase_order"])
    await rig.read_all()
    published = len(rig.broker.messages)
    if not described_before:
        await rig.pool.execute("update object_schema set described_at = '-infinity'")
    tryton.operator.revoke_read("party.party")
    try:
        await rig.request_sync(connection_id, entities=["purchase_order"], mode=FULL)
        await rig.read_all()
    finally:
        tryton.operator.restore_read("party.party")
    (call,) = await rig.calls(connection_id, Outcome.PERMISSION_DENIED)
    assert call["object"] == "purchase.purchase"
    assert "no read access to party.party" in call["message"]
    assert len(rig.broker.messages) == published
    await rig.request_sync(connection_id, entities=["purchase_order"])
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"


async def test_a_server_that_is_stopped_and_comes_back(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id, entities=["item"])
    tryton.stop()
    try:
        await rig.read_all()
        (call,) = await rig.calls(connection_id, Outcome.UNREACHABLE)
        assert (call["rung"], call["code"]) == ("tcp", "connection_refused")
    finally:
        tryton.start()
    await rig.due_now()
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"


async def test_writes_and_what_tryton_says_to_bad_ones(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)

    async def write(command_id: str, **options: Any) -> dict[str, Any]:
        await rig.ask(WriteRequested(command_id=command_id, connection_id=connection_id, **options))
        await rig.carry_out()
        return await rig.answer(command_id)

    values = {"name": "Written Ltd"}
    updated = await write("w1", object="party.party", operation="update", source_id="7", values=values)
    assert updated["result"]["source_id"] == "7"
    rows = tryton.operator.call("model.party.party.read", [7], ["name"])
    assert rows[0]["name"] == "Written Ltd"
    denied = await write("w2", object="product.product", operation="create", values={})
    assert denied["problem"]["outcome"] == "permission_denied"
    gone = await write("w3", object="party.party", operation="update", source_id="999999", values=values)
    assert gone["problem"]["code"] == "source_rejected"
    assert "don't exist" in gone["problem"]["message"]
    unknown = await write("w4", object="party.party", operation="update", source_id="7", values={"nope": 1})
    assert unknown["problem"]["outcome"] == "configuration_error"


async def wrote(rig: Rig, connection_id: str, operation: str, name: str, **options: Any) -> dict[str, Any]:
    command = WriteRequested(
        command_id=new_id("op"), connection_id=connection_id, object=name, operation=operation, **options
    )
    await rig.ask(command)
    await rig.carry_out()
    return await rig.answer(command.command_id)


async def test_a_purchase_with_lines_is_written_changed_read_back_and_deleted(
    rig: Rig, tryton: TrytonSource
) -> None:
    ids = await connected(rig, tryton)
    vendor = await wrote(rig, ids, "create", "party.party", values={"name": "Bolts & Co"})
    assert vendor["problem"] is None, vendor
    party = vendor["result"]["source_id"]
    made = await wrote(
        rig,
        ids,
        "create",
        "purchase.purchase",
        values={
            "party": int(party),
            "description": "Bolts",
            "purchase_date": "2026-03-01",
            "lines": [
                {"description": "M8", "quantity": "10", "unit.symbol": "u", "unit_price": "1.25"},
                {"description": "M10", "quantity": "4", "unit_price": "2.50"},
            ],
        },
    )
    assert made["problem"] is None, made
    record = made["result"]["record"]
    assert record["reference"].startswith("op_")
    first, second = record["lines."]
    assert [first["summary"], second["summary"]] == ["M8", "M10"]
    assert record["purchase_date"]["day"] == 1
    changed = await wrote(
        rig,
        ids,
        "update",
        "purchase.purchase",
        source_id=made["result"]["source_id"],
        values={"description": "More bolts", "lines": [{"id": first["id"], "quantity": "12"}]},
    )
    assert changed["problem"] is None, changed
    after = changed["result"]["record"]
    assert after["description"] == "More bolts"
    assert [line["quantity"] for line in after["lines."]] == [12, 4]
    for name, made_here in (("purchase.purchase", made), ("party.party", vendor)):
        source_id = made_here["result"]["source_id"]
        gone = await wrote(rig, ids, "delete", name, source_id=source_id)
        assert gone["problem"] is None, gone
        assert tryton.operator.call(f"model.{name}.search_count", [["id", "=", int(source_id)]]) == 0
        assert rig.broker.slices(name)[-1]["deleted"] == [source_id]
