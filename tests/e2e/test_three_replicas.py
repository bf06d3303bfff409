"""Three replicas of each service share the work; one of each is killed, and the others take over.

Who did what is read from each replica's metrics. In the end the store holds what the sources hold, each
change was told under one id, and so was each webhook.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.stack.stack import Stack
from tests.chaos.history import History, Line, check

from .fleet import SECONDS, Fleet
from .plants import plants

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.nightly, pytest.mark.timeout(900)]

REPLICAS = 3
CUSTOMERS = [f"plant-{number}" for number in range(24)]
LOCKED_OUT = CUSTOMERS[::4]
KILLED = ("api", "connector-2", "mapping-3", "health_monitor", "notifier-2")
SLOWLY = 2.0
"""Seconds of each answer of the source: reads are under way when somebody is killed."""
ANSWERS = ("lineshaft_consumed_records_total", {"subscription": "results"})
REQUIRED, COMPLETED = "connection.reauthorization_required", "sync.completed"


@pytest.fixture(scope="module")
def replicated() -> Iterator[Stack]:
    with Stack(
        Layout.discover(f"replicas-{os.getpid()}"),
        source="tryton",
        durable=False,
        progress=Progress(quiet=True),
        replicas=dict.fromkeys(SERVICES, REPLICAS),
        extra_environment={"LINESHAFT_OUTAGE_CONNECTIONS": "1000"},  # the customers have one host
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def fleet(replicated: Stack) -> Iterator[Fleet]:
    receiver = WebhookReceiver()
    receiver.start()
    with plants(CUSTOMERS) as built:
        fleet = Fleet(replicated, built, receiver, REPLICAS)
        receiver.secret = fleet.vendor().post("/webhook-endpoints", {"url": receiver.url})["secret"]
        yield fleet
    receiver.stop()


def test_the_story_is_told_by_three_replicas_of_each_service(
    replicated: Stack, receiver: WebhookReceiver
) -> None:
    vendor = Vendor(replicated.api_url, replicated.admin_key)
    story = Story(vendor, replicated.source, receiver, replicated.kafka.bootstrap_servers)
    assert story.run(), "\n".join(f"{step.name}: {step.told}" for step in story.steps)
    required = [one for one in receiver.deliveries if one.type == REQUIRED]
    assert len(required) == 1
    assert all(one.problem is None for one in receiver.deliveries)


def test_each_replica_has_its_share_of_the_work(fleet: Fleet) -> None:
    before = fleet.work()
    answers = [fleet.counted(name, ANSWERS) for name in fleet.running("api")]
    with ThreadPoolExecutor(len(CUSTOMERS)) as people:
        list(people.map(fleet.connect, range(len(CUSTOMERS)), CUSTOMERS))
        list(people.map(fleet.until_completed, CUSTOMERS, [1] * len(CUSTOMERS)))
    for name in CUSTOMERS:
        fleet.until_told(name, COMPLETED, 1)

    assert idle(before, fleet.work()) == []
    taken = [fleet.counted(name, ANSWERS) for name in fleet.running("api")]
    assert all(more > one for one, more in zip(answers, taken, strict=True)), (
        "an answer comes to any replica, and the customer's page to another"
    )


def test_the_others_take_over_from_one_of_each_that_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    """While all is read again, slowly; some records have changed, some customers' passwords, too."""
    read = [name for name in CUSTOMERS if name not in LOCKED_OUT]
    for name in CUSTOMERS:
        plant = fleet.plants[name]
        if name in LOCKED_OUT:
            plant.sandbox.password = "changed at the source"
        else:
            plant.fault({"delay_seconds": SLOWLY})
            plant.sandbox.store.change("parts", 1, {"description": "changed"})
    with ThreadPoolExecutor(len(CUSTOMERS)) as people:
        list(people.map(fleet.read_all, range(len(CUSTOMERS)), CUSTOMERS))
        list(people.map(fleet.until_begun, read, [2] * len(read)))
        before = fleet.work()
        fleet.kill(*KILLED)
        assert sum(fleet.unfinished(name) for name in read) > len(read) / 2
        list(people.map(fleet.until_completed, read, [2] * len(read)))
    for name in read:
        fleet.until_told(name, COMPLETED, 2)
    for name in LOCKED_OUT:
        fleet.until_told(name, REQUIRED, 1)
    wait_until("all is mapped", lambda: run_blocking(fleet.waiting()) == 0, SECONDS)

    assert idle(before, fleet.work()) == []
    assert_exactly_once(fleet, tmp_path)
    assert {len(fleet.told(name, COMPLETED)) for name in read} == {2}
    assert {len(fleet.told(name, REQUIRED)) for name in LOCKED_OUT} == {1}
    assert {len(fleet.told(name, COMPLETED)) for name in LOCKED_OUT} == {1}
    assert all(one.problem is None for one in fleet.receiver.deliveries)


def idle(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Replicas that did nothing meanwhile."""
    return [replica for replica, work in after.items() if work <= before[replica]]


def assert_exactly_once(fleet: Fleet, folder: Path) -> None:
    """The store and the sources are compared by records, the store and the events by documents."""
    raw, documents = run_blocking(fleet.stored())
    expected = list(fleet.expected())
    assert {line.key for line in raw} == {line.key for line in expected}
    events = run_blocking(fleet.events())
    stored = History(folder / "stored.jsonl")
    stored.append([*expected, *raw])
    assert check(stored.read()).stale == []
    told = History(folder / "told.jsonl")
    told.append([*events, *documents, *(Line("expected", line.key, line.content) for line in documents)])
    assert check(told.read()).faults == {}
    changed = [line for line in events if line.content.get("description") == "changed"]
    assert len({line.key for line in changed}) == len(CUSTOMERS) - len(LOCKED_OUT)
    assert len({line.event_id for line in changed}) == len({line.key for line in changed})
