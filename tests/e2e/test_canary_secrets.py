"""Recognizable secrets go through everything that can happen to them; then they are looked for everywhere.

At last a new encryption key comes, and the old one goes, while customers go on.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import REDIRECT_URL, Vendor, wait_until
from lineshaft.tools.stack.stack import Stack

from .canaries import Canaries, all_of, files_with, records, rows
from .echoing_proxy import Echo, EchoingProxy, serve
from .rotating import Customers, cli, restart_one_by_one, restart_together

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(300)]

GOOD = 'Canary-good/"q\\ü+1&2%'
NEWER = 'Canary-newer/"q\\ü+1&2%'
WRONG = 'Canary-wrong/"q\\ü+1&2%'
ECHOED = 'Canary-echoed/"q\\ü+1&2%'
MARKER = "Marker-that-is-no-secret"
SECONDS = 60.0
SOURCE_FOLDER = "tryton"


@dataclass
class Visit:
    """Goes through the life of a connection with its eyes open: keeps each answer that is an error."""

    stack: Stack
    vendor: Vendor
    receiver: WebhookReceiver
    proxy: EchoingProxy
    canaries: Canaries = field(default_factory=Canaries)
    errors: list[str] = field(default_factory=list)
    connection_id: str = ""
    token: str = ""

    def go(self) -> None:
        self._know_the_stack()
        self._add_endpoints()
        self._connect()
        self._use_wrong_keys()
        self._meet_errors_that_echo()
        self._change_the_password()
        self._reconnect()
        for number, token in enumerate(self.proxy.session_tokens):
            self.canaries.add(f"session token {number}", token)

    def _know_the_stack(self) -> None:
        settings = self.stack.settings
        self.canaries.add("admin key", settings.admin_key)
        self.canaries.add("link signing key", settings.link_signing_key)
        self.canaries.add("role password", settings.role_password)
        self.canaries.add("encryption key", settings.secret_keys.partition(":")[2])
        for name, password in {"good": GOOD, "newer": NEWER, "wrong": WRONG, "echoed": ECHOED}.items():
            self.canaries.add(f"{name} password", password)
        self.stack.source.change_password(GOOD)

    def _add_endpoints(self) -> None:
        secret = self.vendor.post("/webhook-endpoints", {"url": self.receiver.url})["secret"]
        self.receiver.secret = self.canaries.add("webhook secret", secret)
        self.canaries.add("webhook secret's key", secret.removeprefix("whsec_"))

        def echo(_: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
            return 500, "text/plain", f"{headers} {body.decode()}".encode()

        self.echoing_receiver = serve(echo)
        port = self.echoing_receiver.server_address[1]
        other = self.vendor.post("/webhook-endpoints", {"url": f"http://127.0.0.1:{port}/"})
        self.canaries.add("second webhook secret", other["secret"])

    def _connect(self) -> None:
        asked = {"system": "tryton", "redirect_url": REDIRECT_URL, "metadata": {"customer": MARKER}}
        opened = self.vendor.post("/link-sessions", asked)
        self.canaries.add("connect link", opened["url"].rpartition("/")[2])
        self._enter(opened["url"], WRONG)
        for echo in (Echo.USER_ERROR, Echo.EXCEPTION, Echo.PAGE):
            self.proxy.echo = echo
            self._enter(opened["url"], ECHOED)
        self.proxy.echo = Echo.OFF
        self._exchange(self._enter(opened["url"], GOOD))
        self._sync()

    def _use_wrong_keys(self) -> None:
        self._fail("GET", "/connections", token=self.stack.admin_key + "x")
        self._fail("GET", "/items?limit=x", token=self.token)
        self._fail("GET", "/connections", token=self.token)
        self._fail("GET", f"/items?cursor={self.token}", token=self.token)
        self._fail("POST", "/link-sessions/exchange", {"code": self.code})
        self._fail("POST", "/webhook-endpoints", {"url": f"http://u:{GOOD}@127.0.0.1/"})

    def _meet_errors_that_echo(self) -> None:
        before = self.proxy.echoed
        for echo in (Echo.OFF, Echo.USER_ERROR, Echo.EXCEPTION):
            self.proxy.echo = echo
            self._fail("POST", "/assets", {"number": "Canary without its product"}, token=self.token)
        self.proxy.echo = Echo.USER_ERROR
        self.vendor.post(f"/connections/{self.connection_id}/syncs", {"mode": "full"})

        def refused() -> bool:
            errors = self.vendor.get(f"/connections/{self.connection_id}/errors")["data"]
            return any(one["operation"] in {"read", "describe"} for one in errors)

        wait_until("the source's words in the error log", refused, SECONDS)
        self.proxy.echo = Echo.OFF
        assert self.proxy.echoed > before
        self._look_at_errors()

    def _change_the_password(self) -> None:
        wait_until("no sync is under way", self._idle, SECONDS)
        self.stack.source.change_password(NEWER)
        wait_until("a sync is taken", self._ask_for_a_sync, SECONDS)
        told = self.receiver.wait_for(lambda one: one.type.endswith("reauthorization_required"), SECONDS)
        self.link = told.body["data"]["reauthorize_url"]
        self.canaries.add("reconnect link", self.link.rpartition("/")[2])

        def tried() -> bool:
            endpoints = self.vendor.get("/webhook-endpoints")["data"]
            deliveries = [
                one
                for endpoint in endpoints
                for one in self.vendor.get(f"/webhook-endpoints/{endpoint['id']}/deliveries")["data"]
            ]
            return any(one["attempts"] and not one["delivered_at"] for one in deliveries)

        wait_until("the receiver that echoes was tried", tried, SECONDS)
        self._fail("POST", "/vendors", {"name": "Canary Ltd"}, token=self.token)

    def _reconnect(self) -> None:
        since = len(self.receiver.deliveries)
        self._enter(self.link, WRONG)
        self._exchange(self._enter(self.link, NEWER))
        self._look_at_errors()
        self.receiver.wait_for(lambda one: one.type == "connection.recovered", SECONDS)
        assert all(one.problem is None for one in self.receiver.deliveries[since:])

    def _enter(self, url: str, password: str) -> str:
        """What the page answers; the code where it leads back to the vendor."""
        with httpx.Client(timeout=SECONDS) as browser:
            page = browser.get(url, follow_redirects=True)
            if not str(page.url).endswith(url.rpartition("/")[2]):
                self.canaries.add(f"page of {password[:12]}", page.url.path.rpartition("/")[2])
            fields = dict(self.stack.source.connection_fields, base_url=self.proxy.url, password=password)
            answer = browser.post(str(page.url), data=fields)
        if answer.is_redirect and answer.headers["location"].startswith(REDIRECT_URL):
            return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        assert not answer.is_redirect, answer.headers["location"]
        self.errors.append(re.sub(r'action="[^"]*"', "", answer.text))
        return ""

    def _exchange(self, code: str) -> None:
        assert code, self.errors[-1]
        self.code = self.canaries.add(f"code of {self.connection_id or 'the first visit'}", code)
        self.connection_id, self.token = self.vendor.exchange(code)
        self.canaries.add(f"token after {code[:8]}", self.token)

    def _fail(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> None:
        answer = self.vendor.call(method, path, body, token=token)
        assert answer.is_error, f"{method} {path}: {answer.status_code}"
        self.errors.append(answer.text)

    def _look_at_errors(self) -> None:
        for path in ("errors", "issues", "timeline", "syncs", "status"):
            self.errors.append(self.vendor.call("GET", f"/connections/{self.connection_id}/{path}").text)
        self.errors.append(self.vendor.call("POST", f"/connections/{self.connection_id}/diagnose").text)
        answer = self.vendor.call("GET", f"/connections/{self.connection_id}/support-bundle")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
            self.errors += [bundle.read(name).decode() for name in bundle.namelist()]

    def _idle(self) -> bool:
        syncs = self.vendor.get(f"/connections/{self.connection_id}/syncs")["data"]
        return all(one["completed_at"] for one in syncs)

    def _ask_for_a_sync(self) -> bool:
        return self.vendor.call("POST", f"/connections/{self.connection_id}/syncs", {}).is_success

    def _sync(self) -> None:
        wait_until("a sync is taken", self._ask_for_a_sync, SECONDS)
        wait_until("the sync", self._idle, SECONDS)


@pytest.fixture(scope="module")
def visit(stack: Stack, vendor: Vendor, receiver: WebhookReceiver) -> Iterator[Visit]:
    proxy = EchoingProxy(stack.source.base_url)
    visit = Visit(stack, vendor, receiver, proxy)
    visit.go()
    yield visit
    visit.echoing_receiver.shutdown()
    visit.echoing_receiver.server_close()
    proxy.stop()


def test_no_secret_is_in_an_answer_a_topic_a_table_or_a_file(visit: Visit) -> None:
    canaries = visit.canaries
    answers = [("answer", error.encode()) for error in visit.errors]
    on_topics = all_of(records(visit.stack.kafka.bootstrap_servers))
    in_tables = all_of(rows(visit.stack.postgres.dsn))

    assert len(visit.proxy.session_tokens) > 1
    assert any(MARKER.encode() in content for _, content in on_topics)
    assert any(MARKER.encode() in content for _, content in in_tables)
    assert any("says:" in error for error in visit.errors)

    found = canaries.seen_in([*answers, *on_topics, *in_tables])
    assert sorted(set(found)) == []

    layout = visit.stack._layout
    folders = [layout.logs, *layout.folders_of_run]
    apart = ("stack.json", SOURCE_FOLDER, f"{SOURCE_FOLDER}.log", "*.index", "*.timeindex")
    marked = " ".join(files_with([MARKER.encode()], folders, apart_from=apart))
    assert "postgres/" in marked
    assert "kafka/" in marked
    assert files_with(canaries.patterns(), folders, apart_from=apart) == []


@pytest.mark.nightly
def test_keys_are_rotated_under_load_and_the_old_one_is_removed(visit: Visit) -> None:
    stack, vendor = visit.stack, visit.vendor
    fields = dict(stack.source.connection_fields)
    old = stack.settings.secret_keys
    new = cli(stack, "keys", "new", "k2").stdout.strip()
    told = WebhookReceiver()
    told.start()
    told.secret = vendor.post("/webhook-endpoints", {"url": told.url})["secret"]

    customers = Customers(vendor, fields)
    customers.start()
    restart_one_by_one(stack, f"{new},{old}")
    before = len(customers.connected)
    followed = cli(stack, "keys", "rotate", "--seconds", "60", secret_keys=f"{new},{old}")
    wait_until("customers connect under the new key", lambda: len(customers.connected) > before, SECONDS)
    customers.stop()
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "credential " in followed.stdout
    assert customers.refused == []

    restart_together(stack, new)
    for connection_id, token in [
        (visit.connection_id, visit.token),
        customers.connected[0],
        customers.connected[-1],
    ]:
        vendor.post(f"/connections/{connection_id}/syncs", {"request_id": "after"})
        wait_until("a sync with the new key alone", partial(_synced, vendor, connection_id), SECONDS)
        assert vendor.get("/items?limit=1", token=token)["data"]
    vendor.post(f"/connections/{visit.connection_id}/pause")
    paused = told.wait_for(lambda one: one.body["data"].get("status") == "paused", SECONDS)
    assert paused.problem is None
    vendor.connect("tryton", fields)
    told.stop()


def _synced(vendor: Vendor, connection_id: str) -> bool:
    syncs = vendor.get(f"/connections/{connection_id}/syncs")["data"]
    return any(one["request_id"] == "after" and one["completed_at"] for one in syncs)
