"""Promises P1, P2, P12 and P19 on the whole stack: `kill -9` of everything while a plant is read.

In the end the store holds what the source holds, each entity was told without loss, doubling or a step
back, and the source was not called more often than the kills explain. Then the stale writers: a worker that
slept through its lease, and a dead letter that is redriven after newer records were stored.
"""

import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import orjson
import pytest

from lineshaft.common.clock import now
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.logs import logger
from lineshaft.sandbox.plant import PlantSize as SandboxSize
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.stack.services import module_command
from lineshaft.tools.stack.sources import SOURCES, SourceMaker
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.stack.tryton import TrytonSource
from lineshaft.tools.stack.tryton_environment import PlantSize as TrytonSize
from lineshaft.tools.stack.tryton_operator import TrytonOperator
from tests.chaos.history import History, Line, Verdict, check
from tests.chaos.plant import PREFIX, Plant, integrations_with_pages, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(400)]

log = logger(__name__)

PAGE = 5
CALLS_TO_BEGIN = 40
"""Versions, logins, verification and descriptions of a connection and its objects."""
CALLS_PER_KILL = 6
"""What the processes of one service had in flight: a page per place, a login, a description."""


def hurried(service: str) -> tuple[str, ...]:
    if service == "connector":
        return (sys.executable, "-m", "tests.chaos.hurried_connector")
    return module_command(service)


@contextmanager
def running(folder: Path, system: str, make: SourceMaker, page_size: int) -> Iterator[Plant]:
    """The whole stack beside a source that is made so."""
    python_path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(find_checkout())]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(SOURCES, "chaos", make)
        stack = Stack(
            Layout.discover(f"chaos-{os.getpid()}"),
            source="chaos",
            durable=False,
            progress=Progress(quiet=True),
            command_of=hurried,
            extra_environment={
                "PYTHONPATH": python_path,
                "CHAOS_FREEZE": str(folder),
                "LINESHAFT_SESSION_SECONDS": "6",
                "LINESHAFT_ACCESS_CHECK_HOURS": "0",  # the calls of the sync are counted
                "LINESHAFT_INTEGRATIONS_DIR": str(integrations_with_pages(folder, system, page_size)),
            },
        )
        with stack:
            assert isinstance(stack.source, TrytonSource | SandboxSource)
            yield Plant(stack, stack.source)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="module")
def plant(folder: Path) -> Iterator[Plant]:
    with running(folder, "tryton", TrytonSource, PAGE) as plant:
        yield plant


@pytest.fixture(scope="module")
def operator(plant: Plant) -> TrytonOperator:
    assert isinstance(plant.source, TrytonSource)
    return plant.source.operator


def assert_store_equals_source(plant: Plant, folder: Path) -> Verdict:
    """Two histories, since the source speaks of raw records and the events of documents.

    The verdict on the events, of which only what was repeated is left.
    """
    expected, stored = list(plant.expected()), list(plant.stored())
    against_source = History(folder / f"source-{time.time_ns()}.jsonl")
    against_source.append(expected)
    against_source.append(stored)
    of_events = History(folder / f"events-{time.time_ns()}.jsonl")
    documents = list(plant.documents())
    of_events.append(plant.events())
    of_events.append(documents)
    of_events.append(Line("expected", line.key, line.content) for line in documents)

    assert {line.key for line in stored} == {line.key for line in expected}
    assert check(against_source.read()).stale == []
    told = check(of_events.read())
    assert told.faults == {}
    return told


def kill_during_sync(plant: Plant, kills: int, seed: int, pause: float) -> list[datetime]:
    """Each service in turn, then one or all of them at random moments; when each was killed."""
    moments = random.Random(seed)  # noqa: S311
    services = plant.stack.services
    victims: list[list[str]] = [[service] for service in SERVICES]
    while len(victims) < kills:
        victims.append(moments.choice([list(SERVICES), [moments.choice(SERVICES)]]))
    killed = []
    for names in victims:
        time.sleep(moments.uniform(0.2, 2 * pause))
        for name in names:
            if services[name].running:
                services[name].kill()
                killed.append(now())
    return killed


def assert_kills_do_no_harm(
    plant: Plant, folder: Path, *, kills: int, pause: float, page_size: int, seconds: float
) -> None:
    plant.connect()
    before = plant.source.requests_seen()
    killed = kill_during_sync(plant, kills, seed=3, pause=pause)
    sync = plant.wait_for_sync(seconds=seconds)
    plant.wait_until_mapped()

    assert sync["result"] == "completed", sync
    ended = datetime.fromisoformat(sync["completed_at"])
    assert sum(at < ended for at in killed) >= len(SERVICES), "most kills were during the sync"
    calls = plant.source.requests_seen() - before
    told = assert_store_equals_source(plant, folder)
    records = len(list(plant.stored()))
    pages = math.ceil(records / page_size) + len(plant.witness.objects)
    budget = CALLS_TO_BEGIN + pages + CALLS_PER_KILL * len(killed)
    repeated = len(told.duplicated)
    log.info("killed", records=records, kills=len(killed), calls=calls, budget=budget, repeated=repeated)
    assert calls <= budget


def test_kills_of_everything_during_a_sync(plant: Plant, folder: Path) -> None:
    assert_kills_do_no_harm(plant, folder, kills=7, pause=0.7, page_size=PAGE, seconds=120)


def test_a_worker_that_slept_through_its_lease_overwrites_nothing(
    plant: Plant, operator: TrytonOperator, folder: Path
) -> None:
    """It has read a page and not published it; meanwhile the records change and another one reads them."""
    (folder / "armed").touch()
    request_id = plant.request_sync("full", ["item"])
    wait_for("the worker is frozen", (folder / "frozen").exists, 60)
    frozen = orjson.loads((folder / "frozen").read_bytes())
    changed = frozen["ids"][:5]
    for record_id in changed:
        operator.update("product.product", record_id, {"description": "newer"})

    plant.stack.services.add_replica("connector")
    plant.wait_for_sync(request_id)
    plant.wait_until_mapped()
    assert_store_equals_source(plant, folder)

    sleeper = plant.stack.services["connector"]
    assert sleeper.pid == frozen["pid"]
    published = len(plant.read_topics(["records.raw"]))
    sleeper.thaw()
    wait_for("it has published", lambda: len(plant.read_topics(["records.raw"])) > published, 30)
    plant.wait_until_mapped()

    assert_store_equals_source(plant, folder)
    newer = [line for line in plant.events() if line.content.get("description") == "newer"]
    assert {line.content["source_id"] for line in newer} == {str(record_id) for record_id in changed}
    assert len(newer) == len(changed), "told once, and not taken back"


def test_a_redriven_dead_letter_overwrites_nothing(
    plant: Plant, operator: TrytonOperator, folder: Path
) -> None:
    """The oldest page of products, as if it had been set aside when it came."""
    pages = [
        record
        for record in plant.read_topics(["records.raw"])
        if record.key == f"{plant.connection_id}/product.product".encode()
        and dict(record.headers)["ce_type"] == b"lineshaft.records.read"
    ]
    oldest = min(pages, key=lambda record: record.offset)
    changed = orjson.loads(oldest.value or b"")["records"][0]["id"]
    operator.update("product.product", changed, {"description": "newest"})
    plant.wait_for_sync(plant.request_sync("incremental", ["item"]))
    letter = dead_letter(oldest, service="mapping", stage="handle", error=ValueError("once"), attempt=3)
    run_blocking(_publish(plant.stack.kafka.bootstrap_servers, letter))

    environment = {
        **os.environ,
        **plant.stack.settings.kafka_environment(plant.stack.kafka.bootstrap_servers),
    }
    published = len(plant.read_topics(["records.raw"]))
    command = [sys.executable, "-c", "from lineshaft.cli.main import app; app()"]
    subprocess.run(  # noqa: S603
        [*command, "dlq", "redrive", "--topic", "records.raw"], env=environment, check=True
    )
    assert len(plant.read_topics(["records.raw"])) == published + 1
    plant.wait_until_mapped()

    assert_store_equals_source(plant, folder)
    [newest] = [line for line in plant.events() if line.content.get("description") == "newest"]
    told = [line.revision for line in plant.events() if line.key == newest.key]
    assert max(told) == newest.revision


async def _publish(bootstrap_servers: str, message: Message) -> None:
    producer = Producer(bootstrap_servers, PREFIX, "chaos")
    await producer.start()
    await producer.publish([message])
    await producer.stop()


MANY: Mapping[str, tuple[SourceMaker, int, float]] = {
    "tryton": (partial(TrytonSource, size=TrytonSize(products=100_000)), 40, 3.0),
    "sandbox": (partial(SandboxSource, size=SandboxSize(parts=100_000)), 20, 1.0),
}
"""The source, the kills and the mean pause between them."""


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("system", MANY)
def test_many_kills_during_a_sync_of_100_000_records(tmp_path: Path, system: str) -> None:
    make, kills, pause = MANY[system]
    page_size = 200
    with running(tmp_path, system, make, page_size) as plant:
        assert_kills_do_no_harm(plant, tmp_path, kills=kills, pause=pause, page_size=page_size, seconds=1800)
