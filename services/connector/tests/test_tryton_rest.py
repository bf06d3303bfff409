"""Against the REST of the real Tryton, which the folder `tryton_rest` describes without code."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Outcome
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.tools.stack.tryton import TrytonSource

from . import rig as fixtures
from .rig import CATALOG, FULL, Rig, a_connection_id

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools = fixtures.pools

pytestmark = pytest.mark.integration

SYSTEM = "tryton_rest"


@pytest.fixture(scope="module")
def tryton(infrastructure: "Infrastructure") -> Iterator[TrytonSource]:
    source = TrytonSource(infrastructure.supervisor, name="tryton-rest")
    source.prepare()
    source.start()
    yield source
    source.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def rig(pools: tuple[Pool, Pool]) -> AsyncIterator[Rig]:
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        yield rig


async def authorize(rig: Rig, tryton: TrytonSource, connection_id: str, **options: Any) -> dict[str, Any]:
    settings = {"base_url": options.pop("base_url", f"{tryton.base_url}/{tryton.database}")}
    values = {"token": options.pop("token", None) or tryton.operator.add_key()}
    return await rig.authorize(connection_id, values=values, settings=settings, system=SYSTEM, **options)


async def connected(rig: Rig, tryton: TrytonSource) -> str:
    connection_id = a_connection_id()
    answer = await authorize(rig, tryton, connection_id)
    assert answer["problem"] is None, answer
    assert answer["result"]["account_id"] == "Northgate Works"
    return connection_id


async def test_every_object_is_read_in_whole(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id)
    await rig.read_all()
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read", sync
    counts = {one["object"]: one["records"] for one in sync["objects"]}
    assert set(counts) == set(CATALOG.system(SYSTEM).objects_for())
    for name, count in counts.items():
        ids = rig.broker.record_ids(name)
        assert len(ids) == len(set(ids)) == count > 0
    for name in ("party.party", "product.product", "purchase.purchase", "production"):
        assert counts[name] == tryton.operator.count(name)
    purchase = rig.broker.slices("purchase.purchase")[0]["records"][0]
    assert purchase["party"]["rec_name"]
    assert purchase["lines"][0]["unit"]["symbol"] == "u"


async def test_only_what_changed_is_read_again(rig: Rig, tryton: TrytonSource) -> None:
    """`write_date` in a domain of base64url; a record that was never changed has none."""
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id, entities=["vendor"])
    await rig.read_all()
    rig.broker.messages.clear()
    renamed = tryton.operator.rename_vendor("V-0003", "Renamed AG")
    added = tryton.operator.add_vendor("V-REST", "New")
    await rig.request_sync(connection_id, entities=["vendor"])
    await rig.read_all()
    names = {one["id"]: one["name"] for part in rig.broker.slices() for one in part["records"]}
    assert (names[renamed], names[added]) == ("Renamed AG", "New")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"token": "never-made"}, "credentials_rejected"),
        ({"base_url": "{base}/nope"}, "configuration_error"),
    ],
)
async def test_what_can_be_wrong_when_connecting(
    rig: Rig, tryton: TrytonSource, options: dict[str, Any], code: str
) -> None:
    told = {name: one.format(base=tryton.base_url) for name, one in options.items()}
    answer = await authorize(rig, tryton, a_connection_id(), **told)
    assert answer["problem"]["code"] == code, answer


async def test_a_right_that_is_taken_away_is_a_refusal_and_a_hidden_field_no_empty_one(
    rig: Rig, tryton: TrytonSource
) -> None:
    connection_id = await connected(rig, tryton)
    await rig.request_sync(connection_id, entities=["purchase_order", "vendor"])
    await rig.read_all()
    published = len(rig.broker.slices("purchase.purchase"))
    tryton.operator.revoke_read("party.party")
    try:
        await rig.request_sync(connection_id, entities=["purchase_order", "vendor"], mode=FULL)
        await rig.read_all()
    finally:
        tryton.operator.restore_read("party.party")
    (denied,) = await rig.calls(connection_id, Outcome.PERMISSION_DENIED)
    assert (denied["object"], denied["code"], denied["confidence"]) == (
        "party.party",
        "access_denied",
        "high",
    )
    (gone,) = await rig.calls(connection_id, Outcome.CONFIGURATION_ERROR)
    assert (gone["object"], gone["code"]) == ("purchase.purchase", "fields_missing")
    assert "party" in gone["message"]
    assert len(rig.broker.slices("purchase.purchase")) == published


async def test_a_party_is_written_changed_read_back_and_deleted(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)

    async def wrote(operation: str, **options: Any) -> dict[str, Any]:
        command = WriteRequested(
            command_id=new_id("op"),
            connection_id=connection_id,
            object="party.party",
            operation=operation,
            **options,
        )
        await rig.ask(command)
        await rig.carry_out()
        return await rig.answer(command.command_id)

    made = await wrote("create", values={"name": "Bolts & Co", "code": "BOLTS"})
    assert made["problem"] is None, made
    source_id = made["result"]["source_id"]
    changed = await wrote("update", source_id=source_id, values={"name": "Bolts & Nuts"})
    assert changed["problem"] is None, changed
    assert changed["result"]["record"]["name"] == "Bolts & Nuts"
    (row,) = tryton.operator.call("model.party.party.read", [int(source_id)], ["name", "code"])
    assert (row["name"], row["code"]) == ("Bolts & Nuts", "BOLTS")
    twice = await wrote("create", values={"name": "Again", "code": "BOLTS"})
    assert twice["problem"]["code"] == "source_rejected"
    assert "unique" in twice["problem"]["message"]
    gone = await wrote("delete", source_id=source_id)
    assert gone["problem"] is None, gone
    assert tryton.operator.call("model.party.party.search_count", [["id", "=", int(source_id)]]) == 0


async def test_a_cancelled_key_stops_and_another_one_heals(rig: Rig, tryton: TrytonSource) -> None:
    connection_id = await connected(rig, tryton)
    tryton.operator.cancel_keys()
    await rig.request_sync(connection_id, entities=["vendor"])
    await rig.read_all()
    (refused,) = await rig.calls(connection_id, Outcome.CREDENTIALS_REJECTED)
    assert refused["http_status"] == 401
    assert (await rig.sync(connection_id))["status"] == "waiting"
    answer = await authorize(rig, tryton, connection_id, expected_account_id="Northgate Works")
    assert answer["result"]["credential_version"] == 2
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"
