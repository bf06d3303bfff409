"""Syncs of a real PostgreSQL: one connection a slice, one login at a time, and no refused one twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from lineshaft.common.events.commands import ProbeRequested, WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.outcomes import Outcome
from lineshaft.connector.workers.syncing import Syncing
from lineshaft.tools.stack.postgres_binaries import system_postgres_binaries
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.testing.needs import needs

from . import rig as fixtures
from .certificates import Issued, issue
from .rig import FULL, Rig, a_connection_id

if TYPE_CHECKING:
    from lineshaft.tools.stack.infrastructure import Infrastructure

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = pytest.mark.integration

AUTHORITY = issue("Plant Authority")


@pytest.fixture(scope="module")
def plant(infrastructure: "Infrastructure") -> Iterator[PostgresqlSource]:
    plant = PostgresqlSource(infrastructure.supervisor, name="plant-syncs")
    plant.start()
    yield plant
    plant.stop()


@pytest.fixture
def encrypted(infrastructure: "Infrastructure") -> Iterator[PostgresqlSource]:
    """Speaks TLS, with a certificate that only the plant's own authority vouches for."""
    binaries = system_postgres_binaries()
    needs("a PostgreSQL with TLS, Debian's package postgresql", found=binaries is not None)
    plant = PostgresqlSource(infrastructure.supervisor, name="plant-encrypted", binaries=binaries)
    plant.start()
    localhost = issue("localhost", names=("localhost",), by=AUTHORITY)
    shown, key = localhost.files_of_server(infrastructure.supervisor)
    plant.execute(
        f"alter system set ssl_cert_file = '{shown}'",
        f"alter system set ssl_key_file = '{key}'",
        "alter system set ssl = on",
        "select pg_reload_conf()",
    )
    yield plant
    plant.stop()


async def trust(rig: Rig, connection_id: str, authority: Issued) -> None:
    """As `api` does."""
    await rig.api_pool.execute(
        "insert into connector.network (network_id, connection_id, ca_certificate, created_by)"
        " values ($1, $2, $3, 'test')",
        new_id("net"),
        connection_id,
        authority.pem.decode(),
    )


async def authorize(rig: Rig, plant: PostgresqlSource, connection_id: str, **options: Any) -> dict[str, Any]:
    settings = {**plant.connection_fields, **options.pop("settings", {})}
    values = {name: settings.pop(name) for name in ("username", "password")}
    return await rig.authorize(
        connection_id, values=values, settings=settings, system="postgresql", **options
    )


async def connected(rig: Rig, plant: PostgresqlSource) -> str:
    connection_id = a_connection_id()
    assert (await authorize(rig, plant, connection_id))["problem"] is None
    return connection_id


def connections(plant: PostgresqlSource) -> int:
    query = "select count(*) from pg_stat_activity where usename = 'reader'"
    return int(plant.fetch(query)[0][0])


def refused_logins(plant: PostgresqlSource) -> int:
    log = plant.server.child.log.read_text(encoding="utf-8", errors="replace")
    return len(re.findall(r"FATAL:  password authentication failed", log))


async def work_together(rig: Rig, count: int) -> None:
    """As many workers at once, of two replicas."""
    replicas = [Syncing(rig.tools), Syncing(rig.another().tools)]
    leases = [await replicas[number % 2].take() for number in range(count)]
    await asyncio.gather(
        *(
            replicas[number % 2].work(lease, asyncio.Event())
            for number, lease in enumerate(leases)
            if lease is not None
        )
    )


async def test_all_objects_at_once_and_no_connection_is_left(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    await rig.request_sync(connection_id)
    await work_together(rig, 6)
    await rig.read_all()
    sync = await rig.sync(connection_id)
    assert sync["status"] == "read", sync
    counts = {one["object"]: one["records"] for one in sync["objects"]}
    for name, count in counts.items():
        assert [(count,)] == plant.fetch(f"select count(*) from {name}")
        assert len(set(rig.broker.record_ids(name))) == count
    assert connections(plant) == 0


async def test_a_changed_password_is_tried_once_by_however_many_workers(
    rig: Rig, plant: PostgresqlSource
) -> None:
    connection_id = await connected(rig, plant)
    old = plant.password
    plant.change_password("changed")
    before = refused_logins(plant)
    await rig.request_sync(connection_id)
    await work_together(rig, 6)
    await rig.read_all()
    assert refused_logins(plant) - before == 1
    (call,) = await rig.calls(connection_id, Outcome.CREDENTIALS_REJECTED)
    assert (call["code"], call["operation"]) == ("28P01", "login")
    assert set((await rig.job_states(connection_id)).values()) == {"waiting"}
    assert (await authorize(rig, plant, connection_id))["problem"] is None
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"
    plant.change_password(old)


async def test_one_table_that_is_closed_and_one_that_has_lost_a_column(
    rig: Rig, plant: PostgresqlSource
) -> None:
    connection_id = await connected(rig, plant)
    await rig.request_sync(connection_id)
    await rig.read_all()
    plant.revoke_one_object()
    plant.execute("alter table vendors rename column email to mail")
    try:
        await rig.request_sync(connection_id, mode=FULL)
        await rig.read_all()
        await rig.request_sync(connection_id, mode=FULL)
        await rig.read_all()
    finally:
        plant.restore_one_object()
        plant.execute("alter table vendors rename column mail to email")
    (denied, *_) = await rig.calls(connection_id, Outcome.PERMISSION_DENIED)
    assert (denied["object"], denied["confidence"]) == ("purchase_orders", "high")
    missing = await rig.calls(connection_id, Outcome.CONFIGURATION_ERROR)
    assert {call["object"] for call in missing} == {"vendors"}
    assert [call["code"] for call in missing] == ["42703", "fields_missing"]
    states = await rig.job_states(connection_id)
    assert sorted(name for name, state in states.items() if state == "failed") == [
        "purchase_orders",
        "vendors",
    ]


async def test_probes_and_writes_leave_no_connection(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    for number, name in enumerate((None, "parts")):
        command = ProbeRequested(command_id=f"p{number}", connection_id=connection_id, object=name)
        await rig.ask(command)
    values = {"title": "Written"}
    await rig.ask(
        WriteRequested(
            command_id="w1",
            connection_id=connection_id,
            object="work_orders",
            operation="update",
            source_id="7",
            values=values,
        )
    )
    await rig.carry_out()
    assert [(await rig.answer(one))["result"]["outcome"] for one in ("p0", "p1")] == ["ok", "ok"]
    assert (await rig.answer("w1"))["result"]["source_id"] == "7"
    assert plant.fetch("select title from work_orders where id = 7") == [("Written",)]
    assert connections(plant) == 0


async def wrote(rig: Rig, connection_id: str, operation: str, name: str, **options: Any) -> dict[str, Any]:
    command = WriteRequested(
        command_id=new_id("op"), connection_id=connection_id, object=name, operation=operation, **options
    )
    await rig.ask(command)
    for _ in range(4):
        await rig.carry_out()
        await rig.pool.execute("update command_job set due_at = now() where ended_at is null")
        await rig.pool.execute("update gate set not_before = null")
    answer = await rig.answer(command.command_id)
    assert answer["problem"] is None, answer["problem"]
    result: dict[str, Any] = answer["result"]
    return result


async def test_what_is_written_is_read_back_and_published(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    vendor = await wrote(rig, connection_id, "create", "vendors", values={"code": "V-900", "name": "Bolts"})
    assert vendor["record"]["active"] is True
    changed = await wrote(
        rig, connection_id, "update", "vendors", source_id=vendor["source_id"], values={"name": "Nuts"}
    )
    assert changed["record"]["name"] == "Nuts"
    await wrote(rig, connection_id, "delete", "vendors", source_id=vendor["source_id"])
    assert plant.fetch("select * from vendors where code = 'V-900'") == []
    first, second, third = rig.broker.slices("vendors")
    assert [first["records"][0]["name"], second["records"][0]["name"]] == ["Bolts", "Nuts"]
    assert third["deleted"] == [vendor["source_id"]]


async def test_a_purchase_order_is_written_changed_and_read_back(rig: Rig, plant: PostgresqlSource) -> None:
    """Its header: the plant's database keeps no lines."""
    connection_id = await connected(rig, plant)
    values = {
        "number": "PO-910",
        "vendor_id": 1,
        "ordered_on": "2026-03-01",
        "currency": "EUR",
        "total": "12.50",
    }
    made = await wrote(rig, connection_id, "create", "purchase_orders", values=values)
    record = made["record"]
    assert (record["status"], record["ordered_on"], float(record["total"])) == ("draft", "2026-03-01", 12.5)
    changed = await wrote(
        rig,
        connection_id,
        "update",
        "purchase_orders",
        source_id=made["source_id"],
        values={"status": "sent", "delivery_on": "2026-03-09"},
    )
    after = changed["record"]
    assert (after["number"], after["status"], after["delivery_on"]) == ("PO-910", "sent", "2026-03-09")
    stored = plant.fetch("select status, delivery_on::text from purchase_orders where number = 'PO-910'")
    assert stored == [("sent", "2026-03-09")]
    assert [one["records"][0]["status"] for one in rig.broker.slices("purchase_orders")[-2:]] == [
        "draft",
        "sent",
    ]


async def test_the_databases_words_name_the_field(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = await connected(rig, plant)
    code = plant.fetch("select code from vendors limit 1")[0][0]
    for values, field in (({"code": code, "name": "Twice"}, "code"), ({"code": "V-901"}, "name")):
        command = WriteRequested(
            command_id=new_id("op"),
            connection_id=connection_id,
            object="vendors",
            operation="create",
            values=values,
        )
        await rig.ask(command)
        await rig.carry_out()
        problem = (await rig.answer(command.command_id))["problem"]
        assert (problem["code"], problem["field"]) == ("source_rejected", field), problem


async def test_a_connection_cut_after_the_commit_writes_once(rig: Rig, plant: PostgresqlSource) -> None:
    connection_id = a_connection_id()
    async with deaf_after_commit(plant.server.host, plant.server.port) as (port, cuts):
        settings = {**plant.connection_fields, "port": str(port)}
        values = {name: settings.pop(name) for name in ("username", "password")}
        answer = await rig.authorize(connection_id, values=values, settings=settings, system="postgresql")
        assert answer["problem"] is None
        made = await wrote(
            rig, connection_id, "create", "purchase_orders", values={"number": "PO-900", "vendor_id": 1}
        )
        assert len(cuts) == 1
    rows = plant.fetch("select id from purchase_orders where number = 'PO-900'")
    assert [str(row[0]) for row in rows] == [made["source_id"]]
    assert [one["number"] for one in rig.broker.slices("purchase_orders")[-1]["records"]] == ["PO-900"]


@asynccontextmanager
async def deaf_after_commit(host: str, port: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Forwards to a database; the first connection that commits is cut before the answer comes back."""
    cuts: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if deaf.is_set():
                    return
                if b"COMMIT" in data and not cuts:
                    cuts.append(data)
                    deaf.set()
                writer.write(data)
                await writer.drain()
                if deaf.is_set():
                    await asyncio.sleep(0.3)
                    return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        deaf = asyncio.Event()
        behind, ahead = await asyncio.open_connection(host, port)
        tasks = [
            asyncio.create_task(pump(reader, ahead, deaf)),
            asyncio.create_task(pump(behind, writer, deaf)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if deaf.is_set():
            await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        for one in (writer, ahead):
            one.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], cuts


async def test_a_database_is_trusted_by_the_authority_of_its_connection(
    rig: Rig, encrypted: PostgresqlSource
) -> None:
    connection_id, verified = a_connection_id(), {"host": "localhost", "tls": "verify"}

    async def problem(**settings: str) -> str:
        answer = await authorize(rig, encrypted, connection_id, settings=verified | settings)
        return str((answer["problem"] or {}).get("message", ""))

    assert "from an authority that is not trusted" in await problem()
    await trust(rig, connection_id, issue("Another Authority"))
    assert "from an authority that is not trusted" in await problem()
    await trust(rig, connection_id, AUTHORITY)
    assert "for another name" in await problem(host="127.0.0.1")
    assert await problem() == ""
    await rig.request_sync(connection_id, entities=["vendor"])
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"
    await trust(rig, connection_id, issue("Another Authority"))
    await rig.request_sync(connection_id, entities=["vendor"])
    await rig.read_all()
    (failed,) = await rig.calls(connection_id, Outcome.UNREACHABLE)
    assert (failed["rung"], failed["code"]) == ("tls", "certificate_unknown_issuer")
    assert "unable to get local issuer certificate" in failed["message"]
