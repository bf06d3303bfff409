"""What every source of the local stack has to do, so that the story can be told of it."""

import os
from collections.abc import Callable, Iterator
from functools import partial

import asyncpg
import httpx
import pytest

from lineshaft.common.integrations import System
from lineshaft.tools.demo import __main__ as demo
from lineshaft.tools.stack import __main__ as stack
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.run_record import RunRecord, StackRunningError
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.sources import SOURCES, UnknownSourceError, source_maker
from lineshaft.tools.stack.supervisor import Supervisor


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(Layout.discover(f"sources-{os.getpid()}"), Progress(quiet=True))
    yield supervisor
    supervisor.stop()


@pytest.mark.parametrize("name", SOURCES)
def test_each_is_a_system_whose_form_it_can_fill_in(supervisor: Supervisor, name: str) -> None:
    source = source_maker(name)(supervisor)
    manifest = System.load(find_checkout() / "integrations" / source.system).manifest
    required = {one.key for one in (*manifest.settings, *manifest.credentials) if not one.optional}
    known = {one.key for one in (*manifest.settings, *manifest.credentials)}
    assert required <= set(source.connection_fields) <= known


def test_another_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownSourceError, match="postgresql, mariadb, sandbox"):
        source_maker("excel")


@pytest.mark.parametrize("start", [demo.main, partial(stack.main, ["up", "--source", "none", "--port", "1"])])
def test_a_start_that_is_refused_is_told_in_one_line(
    start: Callable[[], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise StackRunningError("a stack named local runs as process 7: stop it first")

    monkeypatch.setattr(RunRecord, "claim", refuse)
    assert start() == 1
    assert capsys.readouterr().err == "a stack named local runs as process 7: stop it first\n"


@pytest.mark.integration
async def test_postgresql_counts_what_the_account_asks(supervisor: Supervisor) -> None:
    plant = PostgresqlSource(supervisor)
    plant.start()
    assert plant.requests_seen() == 0
    arguments = {"host": plant.server.host, "port": plant.server.port, "database": "plant"}
    connection = await asyncpg.connect(user=plant.username, password=plant.password, **arguments)
    await connection.fetch("select 1")
    await connection.close()
    assert plant.requests_seen() == 1
    plant.change_password("another")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(user=plant.username, password="wrong", **arguments)
    assert plant.requests_seen() == 2


@pytest.mark.integration
def test_the_sandbox_counts_what_it_is_asked_by_others_than_its_admin(supervisor: Supervisor) -> None:
    sandbox = SandboxSource(supervisor)
    sandbox.start()
    assert sandbox.requests_seen() == 0
    assert httpx.get(f"{sandbox.base_url}/v1/me", trust_env=False).status_code == 401
    assert sandbox.requests_seen() == 1
    assert sandbox.requests()[0]["path"] == "/v1/me"
