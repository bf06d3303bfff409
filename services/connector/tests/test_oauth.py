"""Tokens of OAuth against the sandbox's provider, which rotates refresh tokens and notices one used twice."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from lineshaft.common.clock import now
from lineshaft.common.ids import new_id
from lineshaft.common.integrations.oauth import AUTHORIZATION_CODE, CLIENT_CREDENTIALS
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.postgres.pool import Pool
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.connector.adapters.protocols.oauth import OAuthAccess
from lineshaft.connector.domain.evidence import SourceFailureError
from lineshaft.connector.handlers import Handlers
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.testing.infrastructure import Database
from lineshaft.tools.testing.oauth_system import CLIENT_ID, SYSTEM, consented, write_system
from lineshaft.tools.testing.sandbox import running_sandbox

from . import rig as fixtures
from .rig import KEYS, TEST_KEYS, Rig, a_connection_id

pools = fixtures.pools

pytestmark = pytest.mark.integration

PROCESSES = 4
SECONDS = 4.0
LIFE = 1.0
LAST_QUARTER = 0.25


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxSource]:
    with running_sandbox("oauth") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(process: SandboxSource) -> SandboxSource:
    process.admin("POST", "/reset")
    return process


@pytest_asyncio.fixture(loop_scope="session")
async def rig(pools: tuple[Pool, Pool], sandbox: SandboxSource, tmp_path: Path) -> AsyncIterator[Rig]:
    """With a client of the operator's own, as `api` stores it."""
    catalog = write_system(tmp_path, sandbox.base_url, AUTHORIZATION_CODE)
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, catalog=catalog, opener=open_source)
        rig.handlers = Handlers(catalog)
        await register(rig, sandbox.client_secret)
        yield rig


async def register(rig: Rig, secret: str | None) -> None:
    """Without a secret: withdraw."""
    registration_id = new_id("oac")
    bound_to = f"oauth_client/{SYSTEM}/{registration_id}"
    await rig.api_pool.execute(
        "insert into connector.oauth_client (registration_id, system, client_id, sealed, created_by)"
        " values ($1, $2, $3, $4, 'test')",
        registration_id,
        SYSTEM,
        None if secret is None else CLIENT_ID,
        None if secret is None else KEYS.seal(secret.encode(), bound_to=bound_to),
    )


async def authorize(rig: Rig, sandbox: SandboxSource, values: dict[str, str]) -> tuple[str, dict[str, Any]]:
    connection_id = a_connection_id()
    command_id = await rig.ask_authorization(
        connection_id, values, system=SYSTEM, settings={"base_url": sandbox.base_url}
    )
    await rig.carry_out()
    return connection_id, await rig.answer(command_id)


async def connected(rig: Rig, sandbox: SandboxSource) -> str:
    connection_id, answer = await authorize(rig, sandbox, consented(sandbox))
    assert answer["problem"] is None, answer
    return connection_id


async def read_once(rig: Rig, connection_id: str) -> None:
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    await source.adapter.read("parts", ["id"], None, 1)


def refreshes(sandbox: SandboxSource) -> int:
    return len(sandbox.oauth()["refreshed_at"])


async def generation(rig: Rig) -> int:
    return int(await rig.pool.fetchval("select generation from session"))


async def test_a_consent_becomes_a_connection_that_outlives_its_tokens(
    rig: Rig, sandbox: SandboxSource
) -> None:
    before = refreshes(sandbox)
    sandbox.oauth(token_seconds=0.2)
    connection_id = await connected(rig, sandbox)
    for _ in range(3):
        await asyncio.sleep(0.2)
        await read_once(rig, connection_id)
    assert refreshes(sandbox) - before >= 3
    assert sandbox.oauth()["reused"] == 0
    stored = await rig.pool.fetchval("select sealed from session")
    assert b"refresh_token" not in stored


async def test_scopes_that_the_provider_leaves_out_are_told_when_connecting(
    rig: Rig, sandbox: SandboxSource, tmp_path: Path
) -> None:
    sandbox.oauth(scope="read")
    (tmp_path / "scoped").mkdir()
    catalog = write_system(
        tmp_path / "scoped", sandbox.base_url, AUTHORIZATION_CODE, scopes=["read", "write", "offline_access"]
    )
    rig.tools = replace(rig.tools, catalog=catalog)
    _, answer = await authorize(rig, sandbox, consented(sandbox))
    assert answer["problem"]["code"] == Outcome.PERMISSION_DENIED
    assert "left out write" in answer["problem"]["message"]
    sandbox.oauth(scope="read write")
    connection_id = await connected(rig, sandbox)
    # what is taken away later is for the source to refuse, where it is needed
    sandbox.oauth(scope="read", token_seconds=0.2)
    await asyncio.sleep(0.2)
    await read_once(rig, connection_id)


async def test_a_code_is_worth_one_connection(rig: Rig, sandbox: SandboxSource) -> None:
    values = consented(sandbox)
    await authorize(rig, sandbox, values)
    _, answer = await authorize(rig, sandbox, values)
    assert answer["problem"]["outcome"] == Outcome.CREDENTIALS_REJECTED
    _, answer = await authorize(rig, sandbox, consented(sandbox) | {"code_verifier": "of-somebody-else"})
    assert answer["problem"]["outcome"] == Outcome.CREDENTIALS_REJECTED


async def test_a_token_that_is_refused_before_its_end_is_renewed_once(
    rig: Rig, sandbox: SandboxSource
) -> None:
    connection_id = await connected(rig, sandbox)
    before = refreshes(sandbox)
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    await source.adapter.read("parts", ["id"], None, 1)
    assert refreshes(sandbox) == before
    sandbox.fault(credentials="expired")
    with pytest.raises(SourceFailureError) as failure:
        await source.adapter.read("parts", ["id"], None, 1)
    assert failure.value.evidence.outcome is Outcome.CREDENTIALS_REJECTED
    assert refreshes(sandbox) == before + 1, "one fresh token, and no second one"


async def test_a_refused_refresh_closes_the_gate(rig: Rig, sandbox: SandboxSource) -> None:
    connection_id = await connected(rig, sandbox)
    sandbox.revoke_tokens()
    before = sandbox.requests_seen()
    await rig.request_sync(connection_id, entities=["item", "vendor"])
    await rig.read_all()
    (call,) = await rig.calls(connection_id, Outcome.CREDENTIALS_REJECTED)
    assert (call["operation"], call["code"]) == (Operation.LOGIN, "invalid_grant")
    asked = sandbox.requests_seen() - before
    await rig.due_now()
    assert await rig.read_all() == 0
    assert sandbox.requests_seen() - before == asked, "nothing is called before the customer consents again"
    answer = await rig.authorize(
        connection_id,
        values=consented(sandbox),
        system=SYSTEM,
        settings={"base_url": sandbox.base_url},
        expected_account_id="plant-7",
    )
    assert answer["result"]["credential_version"] == 2
    await rig.read_all()
    assert (await rig.sync(connection_id))["status"] == "read"


async def test_a_client_that_the_provider_refuses_is_the_operators_to_mend(
    rig: Rig, sandbox: SandboxSource
) -> None:
    sandbox.oauth(token_seconds=0.1)
    connection_id = await connected(rig, sandbox)
    await register(rig, "an old secret")
    await asyncio.sleep(0.1)
    with pytest.raises(SourceFailureError) as failure:
        await read_once(rig, connection_id)
    found = failure.value.evidence
    assert (found.outcome, found.code) == (Outcome.CONFIGURATION_ERROR, "invalid_client")
    await register(rig, None)
    await rig.pool.execute("update session set login_until = null")
    with pytest.raises(SourceFailureError) as failure:
        await read_once(rig, connection_id)
    assert (failure.value.evidence.code, SYSTEM in str(failure.value)) == ("no_oauth_client", True)


async def test_a_refresh_that_a_stopping_worker_began_is_kept(rig: Rig, sandbox: SandboxSource) -> None:
    sandbox.oauth(token_seconds=0.1)
    connection_id = await connected(rig, sandbox)
    before, first = refreshes(sandbox), await generation(rig)
    await asyncio.sleep(0.1)
    sandbox.oauth(token_seconds=60, delay_seconds=0.5)
    reading = asyncio.ensure_future(read_once(rig, connection_id))
    while refreshes(sandbox) == before:
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await generation(rig) == first + 1
    await read_once(rig, connection_id)
    assert (refreshes(sandbox), sandbox.oauth()["reused"]) == (before + 1, 0)


async def test_a_refusal_counts_only_where_nobody_else_got_a_token_meanwhile(
    rig: Rig, sandbox: SandboxSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen with the claim comes back with a refresh token that others have used."""
    sandbox.oauth(token_seconds=0.1, rotates=False)
    connection_id = await connected(rig, sandbox)
    await asyncio.sleep(0.1)
    sandbox.oauth(token_seconds=60)
    ask, others = OAuthAccess._ask, []

    async def ask_late(self: OAuthAccess, grant: Any, *, first: bool) -> Any:
        # the lease of the claim is over, and another process renews before this one asks
        monkeypatch.setattr(OAuthAccess, "_ask", ask)
        await rig.pool.execute("update session set login_until = now() - interval '1 second'")
        await read_once(rig, connection_id)
        others.append(await generation(rig))
        return await ask(self, grant | {"refresh_token": "used-by-others"}, first=first)

    monkeypatch.setattr(OAuthAccess, "_ask", ask_late)
    await read_once(rig, connection_id)
    assert others == [await generation(rig)], "what the others got is used, and not replaced"


async def test_four_processes_refresh_once_per_expiry_and_never_use_a_token_twice(
    rig: Rig, sandbox: SandboxSource, database: Database, tmp_path: Path
) -> None:
    sandbox.oauth(token_seconds=LIFE, delay_seconds=0.05)
    connection_id = await connected(rig, sandbox)
    before, first = refreshes(sandbox), await generation(rig)
    arguments = {
        "dsn": database.dsn("connector"),
        "keys": TEST_KEYS,
        "integrations": str(tmp_path),
        "connection": connection_id,
        "seconds": str(SECONDS),
    }
    command = [f"--{name}={value}" for name, value in arguments.items()]
    script = Path(__file__).with_name("refreshing_process.py")
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, script, *command, stdout=asyncio.subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    answers = [orjson.loads((await process.communicate())[0]) for process in processes]
    assert all(set(answer) == {"ok"} for answer in answers), answers
    provider = sandbox.oauth()
    assert provider["reused"] == 0
    moments = provider["refreshed_at"][before:]
    assert len(moments) >= 3, "tokens have ended several times"
    assert await generation(rig) - first == len(moments), "each refresh was kept, and none was made twice"
    lives = (moments[-1] - moments[0]) / (LIFE * (1 - LAST_QUARTER))
    assert len(moments) - 2 <= lives, "one for each token that was about to end"


async def test_a_customers_own_client(
    pools: tuple[Pool, Pool], sandbox: SandboxSource, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("client_credentials")
    catalog = write_system(
        folder,
        "{base_url}",
        CLIENT_CREDENTIALS,
        client_authentication="post",
    )
    async for rig in fixtures.a_rig(pools):
        rig.tools = replace(rig.tools, catalog=catalog, opener=open_source)
        rig.handlers = Handlers(catalog)
        values = {"client_id": CLIENT_ID, "client_secret": sandbox.client_secret}
        issued = sandbox.oauth(token_seconds=0.2)["issued"]
        connection_id, answer = await authorize(rig, sandbox, values)
        assert answer["result"]["account_id"] == "plant-7"
        await asyncio.sleep(0.2)
        await read_once(rig, connection_id)
        assert sandbox.oauth()["issued"] == issued + 2
        _, answer = await authorize(rig, sandbox, values | {"client_secret": "wrong"})
        assert answer["problem"]["outcome"] == Outcome.CREDENTIALS_REJECTED


async def test_a_401_of_one_object_renews_once_and_is_a_question_of_rights(
    rig: Rig, sandbox: SandboxSource
) -> None:
    connection_id = await connected(rig, sandbox)
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    before = refreshes(sandbox)
    sandbox.fault(unauthorized_objects=["parts"])
    with pytest.raises(SourceFailureError) as failure:
        await source.adapter.read("parts", ["id"], None, 1)
    assert failure.value.evidence.outcome is Outcome.PERMISSION_DENIED
    assert refreshes(sandbox) == before + 1
    assert (await source.adapter.read("vendors", ["id"], None, 1)).records


async def test_the_end_of_a_grant_is_told_once_a_renewal_did_not_move_it(
    rig: Rig, sandbox: SandboxSource
) -> None:
    sandbox.oauth(token_seconds=0.2, refresh_seconds=86_400.0, rotates=False)
    connection_id = await connected(rig, sandbox)
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    await asyncio.sleep(0.3)
    ends = (await source.adapter.verify()).expires_at
    assert ends is not None
    assert timedelta(hours=23) < ends - now() <= timedelta(hours=24)


async def test_a_grant_whose_end_nobody_tells_has_none(rig: Rig, sandbox: SandboxSource) -> None:
    connection_id = await connected(rig, sandbox)
    source = await rig.tools.open_in_force(connection_id)
    assert source is not None
    assert (await source.adapter.verify()).expires_at is None
