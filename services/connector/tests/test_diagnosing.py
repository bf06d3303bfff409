"""The whole ladder of a connection: to the sandbox and a real PostgreSQL, past the gate or not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from lineshaft.common.clock import now
from lineshaft.common.events.commands import DiagnosisRequested
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.events.health import Breaker, ScopeStatus
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.networks import Networks
from lineshaft.sandbox.faults import Faults
from lineshaft.sandbox.interface import Interface
from lineshaft.sandbox.sandbox import Sandbox
from lineshaft.sandbox.serving import Port
from lineshaft.tools.stack.ports import free_port
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from tests.chaos.fault_proxy import Fault, FaultProxy

from . import rig as fixtures
from .rig import Rig, a_connection_id

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = pytest.mark.integration

PASSWORD = "rïght/hand"


@dataclass
class Plant:
    sandbox: Sandbox
    door: Port
    port: int
    paths: list[str]
    """Of every request, also of one that the sandbox knows nothing of."""
    answering: asyncio.Event
    """Cleared while nothing is answered."""

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": f"http://127.0.0.1:{self.port}"}

    @property
    def requests(self) -> int:
        return len(self.paths)


@pytest_asyncio.fixture(loop_scope="session")
async def plant() -> AsyncIterator[Plant]:
    sandbox, port = Sandbox(password=PASSWORD, token="of-the-account"), free_port()
    app, paths, answering = Interface(sandbox).app(), list[str](), asyncio.Event()
    answering.set()

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await answering.wait()
        await app(scope, receive, send)

    door = Port(counting, "127.0.0.1", port)
    await door.open()
    yield Plant(sandbox, door, port, paths, answering)
    answering.set()
    await door.close()


async def connected(rig: Rig, settings: dict[str, str]) -> str:
    connection_id = a_connection_id()
    answer = await rig.authorize(connection_id, PASSWORD, settings=settings, system="sandbox")
    assert answer["problem"] is None
    return connection_id


async def diagnosed(rig: Rig, connection_id: str, **options: Any) -> dict[str, Any]:
    """The ladder, told to whoever asked and to the monitor alike."""
    command = DiagnosisRequested(command_id=new_id("op"), connection_id=connection_id, **options)
    await rig.ask(command)
    await rig.carry_out()
    answer = await rig.answer(command.command_id)
    assert answer["problem"] is None
    ladder: dict[str, Any] = answer["result"]
    told = [row["data"] for row in await rig.outbox("connection.calls") if row["type"].endswith("diagnosed")]
    assert told[-1] == ladder
    return ladder


def statuses(ladder: dict[str, Any]) -> dict[str, str]:
    return {one["rung"]: one["status"] for one in ladder["rungs"]}


def rung(ladder: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in ladder["rungs"] if one["rung"] == name]
    return dict(found)


async def test_a_connection_in_order_climbs_to_the_top(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    ladder = await diagnosed(rig, connection_id, asked_by="key_1")
    assert statuses(ladder) == {
        **dict.fromkeys(("dns", "tls", "proxy"), "skipped"),
        **dict.fromkeys(("tcp", "http", "auth", "object"), "ok"),
    }
    assert (ladder["failed_rung"], ladder["ask"], ladder["asked_by"]) == (None, None, "key_1")
    assert ladder["host"] == f"127.0.0.1:{plant.port}"
    assert ladder["source_address"] == "127.0.0.1"
    assert rung(ladder, "object")["seen"] == "locations: a record"
    calls = await rig.calls(connection_id, "ok")
    assert [(one["operation"], one["object"]) for one in calls][1:] == [
        ("probe", None),
        ("probe", "locations"),
    ]


async def test_who_looks_on_sees_each_rung_when_it_is_done(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    plant.answering.clear()
    climbing = asyncio.create_task(diagnosed(rig, connection_id))
    while (seen := await progress(rig, connection_id)).get("to_come", [])[:1] != ["proxy"]:
        assert not climbing.done(), climbing.result()
        await asyncio.sleep(0.01)
    assert statuses(seen) == {"dns": "skipped", "tcp": "ok", "tls": "skipped"}
    assert seen["to_come"] == ["proxy", "http", "auth", "object"]
    plant.answering.set()
    ladder = await climbing
    last = await progress(rig, connection_id)
    assert (last["rungs"], last["to_come"]) == (ladder["rungs"][:-1], ["object"])


async def progress(rig: Rig, connection_id: str) -> dict[str, Any]:
    """As `api` reads it, with its role."""
    query = "select progress from connector.command_progress_view where connection_id = $1"
    return await rig.api_pool.fetchval(query, connection_id) or {}


async def test_a_system_that_does_not_listen(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    await plant.door.close()
    ladder = await diagnosed(rig, connection_id)
    assert ladder["failed_rung"] == "tcp"
    assert ladder["ask"].startswith(f"open TCP {plant.port} from 127.0.0.1 to 127.0.0.1")
    assert rung(ladder, "auth")["seen"] == "skipped: tcp failed"


async def test_a_network_that_swallows_answers(
    rig: Rig, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineshaft.connector.adapters.ladder.HTTP_SECONDS", 0.5)
    async with FaultProxy("127.0.0.1", plant.port) as proxy:
        settings = {"base_url": f"http://127.0.0.1:{proxy.listen_port}"}
        connection_id = await connected(rig, settings)
        proxy.set(Fault.BLACK_HOLE)
        ladder = await diagnosed(rig, connection_id)
        assert (ladder["failed_rung"], rung(ladder, "http")["code"]) == ("http", "no_answer_in_time")
        assert "let HTTP through from 127.0.0.1 to 127.0.0.1" in ladder["ask"]
        proxy.set(Fault.NONE)
        await asyncio.sleep(0.1)


async def test_html_in_place_of_json(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    plant.sandbox.faults = Faults(html=True)
    ladder = await diagnosed(rig, connection_id)
    assert (ladder["failed_rung"], rung(ladder, "http")["code"]) == ("http", "html_for_json")
    assert "a log-on page, an error page of a proxy in between" in ladder["ask"]
    assert rung(ladder, "auth")["status"] == "skipped"


async def test_refused_credentials_are_tried_once_and_never_again(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    plant.sandbox.faults = Faults(credentials="expired")
    ladder = await diagnosed(rig, connection_id)
    assert (ladder["failed_rung"], ladder["ask"]) == (
        "auth",
        "reconnect Sandbox with credentials that it accepts",
    )
    assert len(await rig.calls(connection_id, "credentials_rejected")) == 1

    before = plant.requests
    again = await diagnosed(rig, connection_id)
    assert (statuses(again)["http"], statuses(again)["auth"]) == ("ok", "skipped")
    assert rung(again, "auth")["seen"].startswith("skipped: the credentials were refused")
    assert plant.paths[before:] == ["/"], "the one without credentials"
    assert len(await rig.calls(connection_id, "credentials_rejected")) == 1


async def test_a_forbidden_object_is_named(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    plant.sandbox.faults = Faults(forbidden_objects=["parts"])
    assert (await diagnosed(rig, connection_id))["failed_rung"] is None
    ladder = await diagnosed(rig, connection_id, object="parts")
    assert (ladder["failed_rung"], statuses(ladder)["auth"]) == ("object", "ok")
    assert "the right to read parts" in ladder["ask"]

    closed = ScopeStatus(object="parts", status=ConnectionStatus.DEGRADED, callable=False)
    await rig.status(connection_id, ConnectionStatus.DEGRADED, 1, objects=[closed])
    assert (await diagnosed(rig, connection_id))["ask"] == ladder["ask"], "what is closed is looked at"


async def test_while_the_breaker_is_open_there_is_one_call_as_of_a_probe(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    breaker = Breaker(state="open", retry_at=now() + timedelta(minutes=5))
    await rig.status(connection_id, ConnectionStatus.UNREACHABLE, 1, breaker=breaker)
    before = len(await rig.calls(connection_id))
    ladder = await diagnosed(rig, connection_id)
    assert (statuses(ladder)["auth"], statuses(ladder)["object"]) == ("ok", "skipped")
    assert rung(ladder, "object")["seen"].startswith("skipped: the breaker is open")
    assert [one["operation"] for one in (await rig.calls(connection_id))[before:]] == ["probe"]


async def test_the_network_alone(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    before = await rig.calls(connection_id)
    ladder = await diagnosed(rig, connection_id, may_call=False)
    assert (statuses(ladder)["http"], statuses(ladder)["auth"]) == ("ok", "skipped")
    assert await rig.calls(connection_id) == before


@pytest.mark.parametrize("why", ["paused", "rate limited"])
async def test_a_source_that_must_not_be_called_gets_no_request_at_all(
    rig: Rig, plant: Plant, why: str
) -> None:
    connection_id = await connected(rig, plant.settings)
    if why == "paused":
        await rig.describe(connection_id, Lifecycle.PAUSED)
        await rig.pool.execute(
            "update connection set system = 'sandbox', settings = $2 where connection_id = $1",
            connection_id,
            plant.settings,
        )
    else:
        await rig.pool.execute("update gate set not_before = now() + interval '1 minute'")
    before = plant.requests
    ladder = await diagnosed(rig, connection_id)
    assert statuses(ladder)["tcp"] == "ok"
    assert {statuses(ladder)[name] for name in ("http", "auth", "object")} == {"skipped"}
    assert plant.requests == before


async def test_an_address_that_the_operator_does_not_allow(rig: Rig, plant: Plant) -> None:
    connection_id = await connected(rig, plant.settings)
    http = SourceHttp(AddressPolicy())
    rig.tools = replace(rig.tools, networks=Networks(http))
    before = plant.requests
    ladder = await diagnosed(rig, connection_id)
    await http.close()
    assert (ladder["failed_rung"], rung(ladder, "tcp")["code"]) == ("tcp", "address_not_allowed")
    assert plant.requests == before


async def test_a_connection_that_is_not_there(rig: Rig) -> None:
    command = DiagnosisRequested(command_id=new_id("op"), connection_id=a_connection_id())
    await rig.ask(command)
    await rig.carry_out()
    assert (await rig.answer(command.command_id))["problem"]["code"] == "not_found"


@pytest.fixture(scope="module")
def postgres(infrastructure: "Infrastructure") -> Iterator[PostgresqlSource]:
    plant = PostgresqlSource(infrastructure.supervisor, name="plant-ladder")
    plant.start()
    yield plant
    plant.stop()


async def connected_to_database(rig: Rig, postgres: PostgresqlSource) -> str:
    connection_id, settings = a_connection_id(), dict(postgres.connection_fields)
    values = {name: settings.pop(name) for name in ("username", "password")}
    answer = await rig.authorize(connection_id, values=values, settings=settings, system="postgresql")
    assert answer["problem"] is None
    return connection_id


async def test_a_database_has_rungs_of_its_own(rig: Rig, postgres: PostgresqlSource) -> None:
    connection_id = await connected_to_database(rig, postgres)
    ladder = await diagnosed(rig, connection_id)
    assert statuses(ladder) == {"dns": "skipped", "tcp": "ok", "tls": "skipped", "auth": "ok", "object": "ok"}
    assert rung(ladder, "auth")["seen"] == "logged in as reader on plant"
    revoked = postgres.revoke_one_object()
    ladder = await diagnosed(rig, connection_id, object=revoked)
    postgres.restore_one_object()
    assert (ladder["failed_rung"], rung(ladder, "object")["code"]) == ("object", "42501")
    assert f"the right to read {revoked}" in ladder["ask"]


async def test_a_database_whose_password_was_changed(rig: Rig, postgres: PostgresqlSource) -> None:
    connection_id = await connected_to_database(rig, postgres)
    postgres.change_password("changed")
    ladder = await diagnosed(rig, connection_id)
    assert (ladder["failed_rung"], rung(ladder, "auth")["code"]) == ("auth", "28P01")
    assert ladder["ask"] == "reconnect PostgreSQL with credentials that it accepts"


async def test_a_database_without_tls_where_it_is_asked_for(rig: Rig, postgres: PostgresqlSource) -> None:
    connection_id = await connected_to_database(rig, postgres)
    await rig.pool.execute(
        "update connection set settings = $2 where connection_id = $1",
        connection_id,
        {**postgres.connection_fields, "tls": "verify"},
    )
    ladder = await diagnosed(rig, connection_id)
    assert (ladder["failed_rung"], rung(ladder, "tls")["code"]) == ("tls", "tls_not_offered")
    assert ladder["ask"].startswith("switch on TLS in the database server 127.0.0.1")


async def ask_for_tls(rig: Rig, connection_id: str, postgres: PostgresqlSource, tls: str = "verify") -> None:
    settings = {**postgres.connection_fields, "tls": tls}
    await rig.pool.execute(
        "update connection set settings = $2 where connection_id = $1", connection_id, settings
    )
