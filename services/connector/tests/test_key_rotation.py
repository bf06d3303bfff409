"""Stored secrets move to the active key while others use them; a secret in another row opens for nobody."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from lineshaft.common.encryption import KeyRing, UnknownKeyError
from lineshaft.common.events.commands import WriteRequested
from lineshaft.common.ids import new_id
from lineshaft.common.metrics import METRICS
from lineshaft.common.postgres.sealed import BATCH, Resealing, key_usage
from lineshaft.connector.adapters.credentials import Credentials
from lineshaft.connector.adapters.sealed import SEALED
from lineshaft.connector.adapters.sessions import session_binding

from . import rig as fixtures
from .rig import KEYS, Rig, a_connection_id

pools, rig = fixtures.pools, fixtures.rig

pytestmark = pytest.mark.integration

TEST_KEY = "test:" + base64.b64encode(bytes(32)).decode()
NEW_KEY = "new:" + base64.b64encode(b"n" * 32).decode()
BOTH = KeyRing.parse(f"{NEW_KEY},{TEST_KEY}")
NEW = KeyRing.parse(NEW_KEY)
ROWS = 2 * BATCH + 50
NEVER = asyncio.Event()


@pytest_asyncio.fixture
async def stored(rig: Rig) -> AsyncIterator[dict[str, str]]:
    """Many active credentials with sessions, all under the old key; connection by credential."""
    owners = {new_id("cre"): a_connection_id() for _ in range(ROWS)}
    for credential_id, connection_id in owners.items():
        secret = orjson.dumps({"password": credential_id})
        await rig.pool.execute(
            "insert into credential (credential_id, connection_id, sealed, state, version, promoted_at)"
            " values ($1, $2, $3, 'active', 1, now())",
            credential_id,
            connection_id,
            KEYS.seal(secret, bound_to=f"credential/{connection_id}/{credential_id}"),
        )
        await rig.pool.execute(
            "insert into session (credential_id, connection_id, sealed, generation) values ($1, $2, $3, 1)",
            credential_id,
            connection_id,
            KEYS.seal(b"1", bound_to=session_binding(connection_id, credential_id)),
        )
    yield owners


def resealing(rig: Rig) -> Resealing:
    return Resealing(rig.pool, BOTH, SEALED, "connector")


async def usage(rig: Rig) -> dict[tuple[str, str], int]:
    return {(table, key_id): rows for table, key_id, rows in await key_usage(rig.pool)}


async def test_everything_is_resealed_while_it_is_read_and_written(rig: Rig, stored: dict[str, str]) -> None:
    """Two replicas seal again; the others still seal with the old key and read with both."""
    latest = dict.fromkeys(stored, 1)
    candidates: list[tuple[str, str]] = []
    done = asyncio.Event()
    chance = random.Random(5)  # noqa: S311

    async def open_sessions() -> None:
        while not done.is_set():
            credential_id = chance.choice(list(stored))
            connection_id = stored[credential_id]
            latest[credential_id] += 1
            sealed = KEYS.seal(
                str(latest[credential_id]).encode(), bound_to=session_binding(connection_id, credential_id)
            )
            await rig.pool.execute(
                "update session set sealed = $2, generation = generation + 1 where credential_id = $1",
                credential_id,
                sealed,
            )

    async def enter_candidates() -> None:
        while not done.is_set():
            connection_id = a_connection_id()
            candidates.append((connection_id, await rig.candidate(connection_id, {"password": "candidate"})))
            await asyncio.sleep(0.005)

    async def read() -> None:
        reader = Credentials(BOTH)
        while not done.is_set():
            connection_id, credential_id = chance.choice(candidates or [("", "")])
            candidate = await reader.candidate(rig.pool, connection_id, credential_id)
            assert candidate is None or candidate.values == {"password": "candidate"}
            await asyncio.sleep(0.002)

    load = [asyncio.create_task(work()) for work in (open_sessions, enter_candidates, read)]
    for _ in range(4):
        await asyncio.gather(resealing(rig).turn(NEVER), resealing(rig).turn(NEVER))
    done.set()
    await asyncio.gather(*load)
    await resealing(rig).turn(NEVER)

    assert await usage(rig) == {
        ("credential", "new"): ROWS + len(candidates),
        ("session", "new"): ROWS,
    }
    assert METRICS.secrets_to_reseal.labels("connector")._value.get() == 0
    for row in await rig.pool.fetch("select credential_id, sealed, generation from session"):
        bound_to = session_binding(stored[row["credential_id"]], row["credential_id"])
        opened = int(NEW.open(row["sealed"], bound_to=bound_to))
        assert opened == latest[row["credential_id"]] == row["generation"]
    only_new = Credentials(NEW)
    for connection_id, credential_id in candidates:
        found = await only_new.candidate(rig.pool, connection_id, credential_id)
        assert found is not None
        assert found.values == {"password": "candidate"}


async def test_a_row_that_is_being_changed_is_left_for_the_next_turn(
    rig: Rig, stored: dict[str, str]
) -> None:
    credential_id = next(iter(stored))
    bound_to = session_binding(stored[credential_id], credential_id)
    async with rig.pool.acquire() as other:
        change = other.transaction()
        await change.start()
        await other.execute(
            "update session set sealed = $2 where credential_id = $1",
            credential_id,
            KEYS.seal(b"newer", bound_to=bound_to),
        )
        await asyncio.wait_for(resealing(rig).turn(NEVER), 10)
        await change.commit()
    assert (await usage(rig))["session", "test"] == 1
    await resealing(rig).turn(NEVER)
    sealed = await rig.pool.fetchval("select sealed from session where credential_id = $1", credential_id)
    assert NEW.open(sealed, bound_to=bound_to) == b"newer"


async def test_what_cannot_be_opened_is_left_and_named_and_holds_up_nothing(
    rig: Rig, stored: dict[str, str]
) -> None:
    first, second, *_ = sorted(stored)
    await swap(rig, "credential", first, second)
    with capture_logs() as logs:
        await resealing(rig).turn(NEVER)
    assert await usage(rig) == {
        ("credential", "test"): 2,
        ("credential", "new"): ROWS - 2,
        ("session", "new"): ROWS,
    }
    (named,) = [one["rows"] for one in logs if one["event"] == "secrets_unreadable"]
    assert named == [f"credential/{stored[one]}/{one}" for one in (first, second)]


async def test_a_process_without_the_key_leaves_the_work_to_others(rig: Rig) -> None:
    """As while the replicas are restarted one after another."""
    connection_id = a_connection_id()
    await rig.authorize(connection_id)
    await rig.request_sync(connection_id, entities=["item"])
    await resealing(rig).turn(NEVER)
    requests = len(rig.plant.reads), rig.plant.logins
    with pytest.raises(UnknownKeyError):
        await rig.tools.credentials.in_force(rig.pool, connection_id)
    assert await rig.read_all() == 1
    assert (len(rig.plant.reads), rig.plant.logins) == requests
    assert await rig.pool.fetchrow("select state, attempts from sync_job") == ("queued", 0)

    restarted = replace(rig, tools=replace(rig.tools, keys=BOTH, credentials=Credentials(BOTH)))
    await rig.due_now()
    await restarted.read_all()
    assert set((await rig.job_states(connection_id)).values()) == {"read"}
    assert rig.plant.logins == requests[1]


async def test_swapped_credentials_call_nobody(rig: Rig) -> None:
    first, second, third = [a_connection_id() for _ in range(3)]
    for connection_id in (first, second, third):
        await rig.authorize(connection_id)
    logins, reads = rig.plant.logins, len(rig.plant.reads)
    await rig.pool.execute("delete from session")
    of = {
        row["connection_id"]: row["credential_id"] for row in await rig.pool.fetch("select * from credential")
    }
    await swap(rig, "credential", of[first], of[second])

    with capture_logs() as logs:
        for connection_id in (first, second, third):
            await rig.request_sync(connection_id, entities=["item"])
        await rig.read_all()
        command = WriteRequested(
            command_id=new_id("cmd"),
            connection_id=first,
            entity="vendor",
            object="party.party",
            operation="create",
            values={"name": "x"},
        )
        await rig.ask(command)
        await rig.carry_out()

    assert rig.plant.logins == logins + 1
    assert rig.plant.writes == []
    assert len(rig.plant.reads) > reads
    for connection_id in (first, second):
        ((job),) = (await rig.sync(connection_id))["objects"]
        assert (job["status"], job["pages"]) == ("failed", 0)
        assert "cannot be opened" in job["message"]
    assert set((await rig.job_states(third)).values()) == {"read"}
    problem = (await rig.answer(command.command_id))["problem"]
    assert problem["code"] == "reauthorization_required"
    reasons = {one["reason"] for one in logs if one["event"] == "credentials_unreadable"}
    assert reasons == {
        f"the secret of credential/{one}/{of[one]} does not belong there" for one in (first, second)
    }
    assert "right" not in orjson.dumps(logs, default=str).decode()

    await rig.authorize(first)
    await rig.request_sync(first, entities=["item"])
    await rig.read_all()
    assert set((await rig.job_states(first)).values()) == {"read"}


async def test_a_swapped_session_is_not_used_but_replaced(rig: Rig) -> None:
    first, second = a_connection_id(), a_connection_id()
    for connection_id in (first, second):
        await rig.authorize(connection_id)
    of = {
        row["connection_id"]: row["credential_id"] for row in await rig.pool.fetch("select * from credential")
    }
    await swap(rig, "session", of[first], of[second])
    logins = rig.plant.logins
    for connection_id in (first, second):
        await rig.request_sync(connection_id, entities=["item"])
    await asyncio.wait_for(rig.read_all(), 20)
    assert rig.plant.logins == logins + 2
    for connection_id in (first, second):
        assert set((await rig.job_states(connection_id)).values()) == {"read"}


async def swap(rig: Rig, table: str, first: str, second: str) -> None:
    await rig.pool.execute(
        f"update {table} as one set sealed = other.sealed from {table} as other"
        " where (one.credential_id, other.credential_id) in (($1, $2), ($2, $1))",
        first,
        second,
    )


async def test_registrations_and_proxies_move_too(rig: Rig) -> None:
    bindings = {"oauth_client": "oauth_client/system/row", "network": "network/con_1/row"}
    await rig.pool.execute(
        "insert into oauth_client (registration_id, system, client_id, sealed, created_by)"
        " values ('row', 'system', 'client', $1, 'test')",
        KEYS.seal(b"secret", bound_to=bindings["oauth_client"]),
    )
    await rig.pool.execute(
        "insert into network (network_id, connection_id, sealed, created_by)"
        " values ('row', 'con_1', $1, 'test')",
        KEYS.seal(b"secret", bound_to=bindings["network"]),
    )
    await resealing(rig).turn(NEVER)
    assert await usage(rig) == {("oauth_client", "new"): 1, ("network", "new"): 1}
    for table, bound_to in bindings.items():
        sealed = await rig.pool.fetchval(f"select sealed from {table}")
        assert NEW.open(sealed, bound_to=bound_to) == b"secret"
