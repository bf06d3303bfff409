"""The built-in source goes through every failure that it can show, each with its own connection, at once.

`drill.yaml` is the table. The settings are an operator's for a rehearsal: short holds, pauses and quiet
times, and no common outage, for the failures have nothing to do with each other. What failed would be left
alone for minutes: each recovery here is that of somebody who asks for a sync.
"""

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict
from svix.webhooks import Webhook as SvixWebhook

from lineshaft.sandbox.plant import OBJECTS
from lineshaft.tools.demo.receiver import Delivery, WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

from .plants import Plant, plants

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(300)]

SECONDS = 60.0
FLIPS = 10
WRITES = 3
"""So many records are refused before it is more than a matter of one of them."""
POLL = 0.4
SETTLED = 0.8
"""Calls under way when the gate closes have ended by then."""
SURELY_CLOSED = timedelta(seconds=8)
"""Less than the pause before another try, whoever waits."""
WATCHED = timedelta(seconds=4)
IMPATIENT = 4.0
SETTINGS = {
    "LINESHAFT_HOLD_SECONDS": "2",
    "LINESHAFT_QUIET_SECONDS": "5",
    "LINESHAFT_BREAKER_OPEN_SECONDS": "600",
    "LINESHAFT_DENIED_RETRY_SECONDS": "600",
    "LINESHAFT_TRIAL_PAUSE_SECONDS": "9",
    "LINESHAFT_OUTAGE_CONNECTIONS": "1000",
    "LINESHAFT_RATE_LIMIT_SECONDS": "12",
    "LINESHAFT_CONCURRENT_SLICES": "48",
}
HEALTH = {"connection.reauthorization_required", "connection.status_changed", "connection.recovered"}


class Expected(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: str
    fault: str | None = None
    scope: str | None = None
    objects: list[str] = []
    move: str | None = None
    rung: str | None = None
    code: str | None = None
    closed: Literal["all"] | list[str] = []
    told: str | None = None


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    faults: dict[str, Any] = {}
    does: Literal["change_password", "write", "close_door", "delete_most", "flip"] | None = None
    mode: Literal["full", "incremental"] = "full"
    tls: bool = False
    trusted_at_last: bool = False
    """Mended by the connection's network, not by the source."""
    reconnected_first_as: str | None = None
    nightly: bool = False
    expect: Expected


CASES = [
    Case.model_validate(one)
    for one in yaml.safe_load(Path(__file__).with_name("drill.yaml").read_text(encoding="utf-8"))
]


@dataclass
class Receiver(WebhookReceiver):
    """Verifies each webhook with a second library."""

    refused_by_svix: list[str] = field(default_factory=list)

    def accept(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            SvixWebhook(self.secret).verify(body, headers)
        except Exception as error:  # noqa: BLE001  whatever the library dislikes is the answer
            self.refused_by_svix.append(repr(error))
        super().accept(body, headers)


@dataclass
class Customer:
    """One connection and the source behind it."""

    vendor: Vendor
    receiver: Receiver
    case: Case
    plant: Plant
    id: str = ""
    token: str = ""

    def connect(self) -> None:
        session = {}
        if self.case.tls:
            self.plant.with_tls()
            session["network"] = self.plant.network
        self.id, self.token = self.vendor.connect("sandbox", self.plant.connection_fields, **session)
        self.until("the first sync", lambda: self.syncs_completed() == 1)

    def syncs_completed(self) -> int:
        syncs = self.vendor.get(f"/connections/{self.id}/syncs")["data"]
        return sum(one["completed_at"] is not None for one in syncs)

    def break_down(self) -> None:
        self.plant.fault(self.case.faults)
        match self.case.does:
            case "change_password":
                self.plant.sandbox.password = "another-password"
            case "close_door":
                self.plant.close_door()
            case "delete_most":
                self.plant.sandbox.store.delete_share("parts", 0.9)
            case "flip":
                self.flip()

    def flip(self) -> None:
        """Limits and lets go as soon as somebody saw it; in the end it limits."""
        for _ in range(FLIPS):
            self.read()
            self.plant.fault({"rate_limit": {"seconds": 1}})
            self.until("a refusal", lambda: self.answers()[-1:] == [429])
            self.plant.fault({})
            self.until("an answer", lambda: self.answers()[-1:] == [200])
        self.plant.fault({"rate_limit": {"seconds": 20}})

    def answers(self) -> list[int]:
        return [one.status for one in self.plant.requests]

    def work(self) -> None:
        """What the failure is about: a write, or a sync."""
        if self.case.does == "write":
            for number in range(WRITES):
                body = {"title": f"Replace seal {number}", "status": "approved"}
                self.vendor.call("POST", "/work-orders", body, token=self.token)
        self.read()

    def read(self) -> None:
        """A connection that has to be reconnected refuses."""
        self.vendor.call("POST", f"/connections/{self.id}/syncs", {"mode": self.case.mode})

    def called(self, since: datetime, until: datetime | None = None) -> set[str]:
        """Objects that the source was asked for."""
        paths = {
            one.path
            for one in self.plant.requests
            if since <= (at := datetime.fromisoformat(one.at)) and (until is None or at < until)
        }
        return {path.removeprefix("/v1/").removeprefix("schema/") for path in paths - {"/v1/me"}}

    def told(self, kinds: set[str] = HEALTH) -> list[Delivery]:
        return [one for one in self.receiver.deliveries if one.connection_id == self.id and one.type in kinds]

    def listed(self, what: str) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.vendor.get(f"/connections/{self.id}/{what}?limit=200")["data"]
        return data

    def noted(self, kind: str) -> list[str]:
        """The faults of such lines of the timeline."""
        return [one["details"]["fault"] for one in self.listed("timeline") if one["kind"] == kind]

    def until(self, what: str, check: Any) -> Any:
        deadline = time.monotonic() + SECONDS
        while not (answer := check()):
            if time.monotonic() > deadline:
                status = self.vendor.status(self.id)
                raise TimeoutError(f"{self.case.name}: not within {SECONDS:.0f} s: {what}; {status}")
            time.sleep(POLL)
        return answer

    def until_verdict(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The status document, as soon as its verdict is complete."""

        def look() -> dict[str, Any] | None:
            status = self.vendor.status(self.id)
            return status if verdict_of(status) == wanted else None

        found: dict[str, Any] = self.until(f"the verdict {wanted}", look)
        return found

    def until_healthy(self) -> None:
        """Whoever waits asks again: a try that was under way when the source was mended may yet fail."""
        asked = time.monotonic()

        def look() -> bool:
            nonlocal asked
            if self.vendor.status(self.id)["status"] == "healthy":
                return True
            if time.monotonic() - asked > IMPATIENT:
                self.work()
                asked = time.monotonic()
            return False

        self.until("healthy", look)


def verdict_of(status: dict[str, Any]) -> dict[str, Any]:
    verdict = status["verdict"] or {}
    return {
        "status": status["status"],
        **{name: verdict.get(name) for name in ("fault", "scope", "objects", "rung", "move")},
    }


@dataclass(frozen=True)
class Drill:
    customers: dict[str, Customer]
    seen: dict[str, Future[dict[str, Any]]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    layout = Layout.discover(f"drill-{os.getpid()}")
    folder = impatient_sandbox(tmp_path_factory.mktemp("integrations"))
    settings = {**SETTINGS, "LINESHAFT_INTEGRATIONS_DIR": str(folder)}
    with Stack(layout, durable=False, progress=Progress(quiet=True), extra_environment=settings) as stack:
        yield stack


def impatient_sandbox(folder: Path) -> Path:
    """The sandbox as it ships, but waited for less long and read in smaller pages."""
    shutil.copytree(find_checkout() / "integrations" / "sandbox", folder / "sandbox")
    place = folder / "sandbox" / "manifest.yaml"
    manifest = yaml.safe_load(place.read_text(encoding="utf-8"))
    manifest["limits"] |= {"timeout_s": 1.5, "page_size": 10}
    place.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def receiver(vendor: Vendor) -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    receiver.secret = vendor.post("/webhook-endpoints", {"url": receiver.url})["secret"]
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def drill(vendor: Vendor, receiver: Receiver, request: pytest.FixtureRequest) -> Iterator[Drill]:
    """The cases of this run, all at once."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = [item for item in items if item.originalname == test_a_failure_of_the_source.__name__]
    cases = [Case.model_validate(item.callspec.params["case"]) for item in chosen]
    with plants([case.name for case in cases]) as built, ThreadPoolExecutor(len(cases)) as people:
        customers = {case.name: Customer(vendor, receiver, case, built[case.name]) for case in cases}
        for connected in [people.submit(customer.connect) for customer in customers.values()]:
            connected.result()
        yield Drill(
            customers, {name: people.submit(go_through, customer) for name, customer in customers.items()}
        )


def go_through(customer: Customer) -> dict[str, Any]:
    """Break down, look, mend, look again: what was seen."""
    expected = customer.case.expect
    before = customer.syncs_completed()
    customer.break_down()
    customer.work()
    if expected.fault is None:
        customer.until("the sync", lambda: customer.syncs_completed() > before)
        time.sleep(SETTLED)
        return nothing_happened(customer)
    status = customer.until_verdict(said(expected))
    called = objects_called(customer, datetime.fromisoformat(status["since"]))
    customer.until("the webhook", customer.told)
    seen = {
        "evidence": len(status["verdict"]["evidence"]) > 0,
        "codes": codes(customer),
        "called": called,
        "issues": [(one["fault"], one["status"]) for one in customer.listed("issues")],
        "opened": customer.noted("issue.opened"),
        "told": [one.type for one in customer.told()],
    }
    heal(customer)
    customer.until_healthy()
    customer.until("the recovery", lambda: len(customer.told()) > 1)
    return seen | {
        "issues after": [(one["fault"], one["status"]) for one in customer.listed("issues")],
        "resolved": customer.noted("issue.resolved"),
        "told after": [one.type for one in customer.told()],
    }


def nothing_happened(customer: Customer) -> dict[str, Any]:
    return {
        "status": customer.vendor.status(customer.id)["status"],
        "issues": customer.listed("issues"),
        "told": customer.told(),
    }


def said(expected: Expected) -> dict[str, Any]:
    return expected.model_dump(include={"status", "fault", "scope", "objects", "rung", "move"})


def codes(customer: Customer) -> set[str]:
    return {one["code"] for one in customer.listed("errors")}


def objects_called(customer: Customer, closed_at: datetime) -> list[str]:
    """The objects that are asked for at the source while people go on to ask for syncs."""
    until = closed_at + SURELY_CLOSED
    time.sleep(SETTLED + float(customer.case.faults.get("delay_seconds", 0)))
    since = datetime.now(until.tzinfo)
    customer.read()
    closed = customer.case.expect.closed
    go_on = set() if closed == "all" else set(OBJECTS) - set(closed)
    if go_on:
        customer.until(f"reads of {go_on}", lambda: go_on <= customer.called(since))
    time.sleep(max(0.0, (min(until, since + WATCHED) - datetime.now(until.tzinfo)).total_seconds()))
    return sorted(customer.called(since) & go_on | customer.called(since, until) - go_on)


def heal(customer: Customer) -> None:
    if customer.case.trusted_at_last:
        customer.vendor.put(f"/connections/{customer.id}/network", customer.plant.network)
    else:
        customer.plant.mend()
    if customer.case.expect.fault == "credentials":
        reconnect(customer)
    customer.work()


def reconnect(customer: Customer) -> None:
    url = customer.told()[0].body["data"]["reauthorize_url"]
    entered = {"password": customer.plant.sandbox.password}
    if customer.case.reconnected_first_as:
        customer.plant.fault({"account": customer.case.reconnected_first_as})
        with pytest.raises(RuntimeError, match="another account"):
            customer.vendor.fill_in(url, entered)
        assert customer.vendor.status(customer.id)["status"] == "reauthorization_required"
        customer.plant.mend()
    code = customer.vendor.fill_in(url, entered)
    assert customer.vendor.exchange(code)[0] == customer.id


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.nightly] if case.nightly else []) for case in CASES],
)
def test_a_failure_of_the_source(drill: Drill, case: Case) -> None:
    expected = case.expect
    seen = drill.seen[case.name].result()
    if expected.fault is None:
        assert seen == {"status": expected.status, "issues": [], "told": []}
        return
    closed = set(OBJECTS) if expected.closed == "all" else set(expected.closed)
    assert seen == {
        "evidence": True,
        "codes": {expected.code},
        "called": sorted(set(OBJECTS) - closed),
        "issues": [(expected.fault, "open")],
        "opened": [expected.fault],
        "told": [expected.told],
        "issues after": [(expected.fault, "resolved")],
        "resolved": [expected.fault],
        "told after": [expected.told, "connection.recovered"],
    }


def test_a_name_that_does_not_resolve_is_said_and_nothing_is_saved(vendor: Vendor) -> None:
    fields = {"base_url": "https://plant.invalid", "username": "lineshaft", "password": "any"}
    before = len(vendor.get("/connections?limit=200")["data"])
    with pytest.raises(RuntimeError, match="address of Sandbox is not known in the network"):
        vendor.connect("sandbox", fields)
    assert len(vendor.get("/connections?limit=200")["data"]) == before


def test_the_flipping_source_flipped(drill: Drill) -> None:
    [name] = [case.name for case in CASES if case.does == "flip"]
    drill.seen[name].exception()
    answers = drill.customers[name].answers()
    assert sum(two == (200, 429) for two in pairwise(answers)) >= FLIPS


def test_all_webhooks_were_verified_by_two_libraries(drill: Drill, receiver: Receiver) -> None:
    for future in drill.seen.values():
        future.exception()
    assert {one.problem for one in receiver.deliveries} == {None}
    assert receiver.refused_by_svix == []
    assert {one.connection_id for one in receiver.deliveries} == {one.id for one in drill.customers.values()}
