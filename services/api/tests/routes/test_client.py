"""The Python client against the API itself: what it sends is taken, and its types name what comes back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from typer.testing import CliRunner

from lineshaft.cli.main import app
from lineshaft.client import Lineshaft, answers
from lineshaft.common.clock import now
from lineshaft.tools.stack.ports import free_port

from .conftest import World, whole_application
from .test_diagnoses import a_ladder

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def lineshaft(world: World) -> AsyncIterator[Lineshaft]:
    port = free_port()
    config = uvicorn.Config(
        whole_application(world.context), port=port, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    with Lineshaft(f"http://127.0.0.1:{port}", world.admin_key) as client:
        yield client
    server.should_exit = True
    await running


async def commanded(lineshaft: Lineshaft, world: World, *words: str) -> str:
    """What `lineshaft ...` says on standard output."""
    env = {"LINESHAFT_URL": str(lineshaft.transport.url), "LINESHAFT_KEY": world.admin_key}
    done = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def fits(answer: Any, shape: Any) -> bool:
    assert set(answer) == set(shape.__annotations__)
    return True


async def test_keys_and_endpoints(lineshaft: Lineshaft) -> None:
    def talk() -> None:
        keys, endpoints = lineshaft.admin_keys, lineshaft.webhook_endpoints
        made = keys.create("billing", {"read"}, expires_at=now() + timedelta(days=9))
        newer = keys.rotate(made["id"], overlap_seconds=0)
        assert fits(newer, answers.CreatedAdminKey)
        keys.revoke(newer["id"])
        found = {one["id"]: one for one in keys.list()}
        assert fits(found[made["id"]], answers.AdminKey)
        assert found[newer["id"]]["state"] == "revoked"

        endpoint = endpoints.create("https://product.example.com/hooks", event_types=["sync.failed"])
        assert fits(endpoint, answers.CreatedWebhookEndpoint)
        assert endpoints.rotate_secret(endpoint["id"]).startswith("whsec_")
        changed = endpoints.change(endpoint["id"], enabled=False)
        assert (fits(changed, answers.WebhookEndpoint), changed["enabled"]) == (True, False)
        assert list(endpoints.deliveries(endpoint["id"], state="due")) == []
        assert list(endpoints.replays(endpoint["id"])) == []
        endpoints.delete(endpoint["id"])
        assert endpoint["id"] not in [one["id"] for one in endpoints.list()]

    await asyncio.to_thread(talk)


async def test_schedule_objects_and_a_ladder(lineshaft: Lineshaft, world: World) -> None:
    connection_id, _ = await world.connect()
    connection = lineshaft.connection(connection_id)
    assert fits(await asyncio.to_thread(connection.schedule), answers.Schedule)
    assert await asyncio.to_thread(connection.custom_objects) == []
    changed = await asyncio.to_thread(lambda: connection.change(objects=["stock.lot"]))
    assert (fits(changed, answers.ConnectionDescription), changed["objects"]) == (True, ["stock.lot"])
    asking = asyncio.create_task(asyncio.to_thread(connection.diagnose))
    while not (asked := await world.outbox("commands.connector")) or "object" not in asked[-1]:
        await asyncio.sleep(0.05)
    await world.answer(asked[-1]["command_id"], result=a_ladder(connection_id))
    ladder = await asking
    assert (fits(ladder, answers.Ladder), ladder["failed_rung"]) == (True, "tcp")
    assert fits(ladder["rungs"][0], answers.Rung)


async def test_the_commands_say_what_they_did(lineshaft: Lineshaft, world: World) -> None:
    connection_id, _ = await world.connect()

    async def run(*words: str) -> str:
        return await commanded(lineshaft, world, *words)

    key = await run("admin-keys", "create", "reports", "--scope", "read", "--days", "90")
    assert key.startswith("lsa_")
    listed = await run("admin-keys", "list")
    key_id = next(line.split()[0] for line in listed.splitlines() if " reports " in line)
    assert (await run("admin-keys", "rotate", key_id, "--overlap-hours", "0")).startswith("lsa_")
    secret = await run("endpoints", "add", "https://product.example.com/hooks", "--event-type", "sync.failed")
    assert secret.startswith("whsec_")
    endpoint_id, url, events, state = (await run("endpoints", "list")).splitlines()[-1].split()
    assert (url, events, state) == ("https://product.example.com/hooks", "sync.failed", "works")
    assert await run("endpoints", "deliveries", endpoint_id) == ""
    assert (await run("endpoints", "rotate-secret", endpoint_id)).startswith("whsec_")
    assert await run("endpoints", "remove", endpoint_id) == ""
    assert await run("objects", "list", connection_id) == ""
    assert f'"connection_id": "{connection_id}"' in await run("connections", "schedule", connection_id)
    assert f'"connection_id": "{connection_id}"' in await run("connections", "status", connection_id)
