import asyncio

import pytest

from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.outcomes import ConnectionStatus
from services.api.tests.routes.conftest import World, insert, waiting

from .conftest import PASSWORD, Reader
from .test_mapping_pages import form_of

pytestmark = pytest.mark.integration


def field(name: str, kind: str) -> dict[str, object]:
    return {
        "name": name,
        "type": kind,
        "label": name.title(),
        "required": False,
        "readonly": False,
        "relation": None,
        "readable": True,
        "stored": True,
    }


@pytest.fixture
async def connection_id(world: World) -> str:
    connection_id, _ = await world.connect()
    await world.set_status(connection_id, ConnectionStatus.HEALTHY)
    return connection_id


@pytest.fixture
async def patient(world: World) -> Reader:
    """An editor whose request waits for the source's answer."""
    reader = Reader(waiting(world, write_wait_seconds=10).http)
    await reader.sign_in(PASSWORD, name="Ada")
    return reader


async def asked(world: World, known: int) -> str:
    while len(commands := await world.outbox("commands.connector")) <= known:
        await asyncio.sleep(0.01)
    return str(commands[-1]["command_id"])


async def test_an_object_is_requested_shaped_shown_and_removed(
    patient: Reader, world: World, connection_id: str
) -> None:
    base = f"/console/connections/{connection_id}"
    assert "No custom object yet." in (await patient.get(f"{base}/mapping-objects")).text
    before = len(await world.outbox("commands.connector"))
    sending = asyncio.create_task(
        patient.send(f"{base}/mapping-objects", {"object": "x_production.Lot", "key": "id", "cursor": ""})
    )
    described = [field("id", "integer"), field("grade", "char"), field("weight", "numeric")]
    result = {"objects": [{"object": "x_production.Lot", "fields": described}]}
    await world.answer(await asked(world, before), result=result)
    answer = await sending
    assert answer.headers["location"] == f"{base}/mapping/custom:x_production_lot", answer.text
    page = (await patient.get(answer.headers["location"])).text
    assert "X production lot" in page
    assert 'data-name="grade"' in page

    path = f"{base}/mapping/custom:x_production_lot"
    typed = await form_of(patient, path)
    (grade,) = [name for name, value in typed.items() if name.endswith(".name") and value == "grade"]
    await patient.send(path, typed | {grade: "quality"})
    held = (await world.call("GET", f"/connections/{connection_id}/objects")).json()["data"][0]
    assert "quality" in held["fields"]
    assert (held["version"], held["object"], held["key"]) == (3, "x_production.Lot", ["id"])

    await insert(
        world.pools["mapping"],
        "record",
        id="r1",
        connection_id=connection_id,
        entity="custom:x_production_lot",
        object="x_production.Lot",
        source_id="1",
        raw={"id": 1, "grade": "A1"},
        mapping_version=1,
        document={},
    )
    records = (await patient.get(f"{base}/records/custom:x_production_lot")).text
    assert "<td>A1</td>" in records
    assert "/v1/objects/x_production_lot?limit=100" in records

    await patient.send(f"{base}/mapping-objects/x_production_lot/remove")
    assert (await patient.get(path)).status_code == 404
    assert "No custom object yet." in (await patient.get(f"{base}/mapping-objects")).text


async def test_an_object_that_the_source_does_not_show_is_named(
    patient: Reader, world: World, connection_id: str
) -> None:
    path = f"/console/connections/{connection_id}/mapping-objects"
    before = len(await world.outbox("commands.connector"))
    sending = asyncio.create_task(patient.send(path, {"object": "nothing"}))
    refusal = CommandProblem(code="source_rejected", outcome="configuration_error", message="no such model")
    await world.answer(await asked(world, before), problem=refusal)
    answer = await sending
    assert answer.status_code == 422
    assert "the source does not show &#39;nothing&#39; to this account" in answer.text
    wrong = await patient.send(path, {"object": "x", "name": "No Name"})
    assert (wrong.status_code, 'aria-describedby="name-help"' in wrong.text) == (422, True)
