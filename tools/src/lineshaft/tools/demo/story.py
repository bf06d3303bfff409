"""The story in steps: each does one thing a user does, checks what came of it, and says it in a line."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineshaft.common.unified import ROUTES
from lineshaft.tools.demo.kafka_client import consume, publish_sync_request
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor, wait_until
from lineshaft.tools.stack.sources import Source

SYNC_SECONDS = 90.0
EVENT_SECONDS = 30.0
NEW_PASSWORD = "changed-in-the-demo-2026"  # noqa: S105  of a demo account on this machine


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    ok: bool
    seconds: float
    told: str


@dataclass(slots=True)
class Story:
    """Goes through the steps in order and stops at the first that fails."""

    vendor: Vendor
    plant: Source
    receiver: WebhookReceiver
    kafka_bootstrap: str
    topic_prefix: str = "lineshaft."
    say: Callable[[Step], None] = lambda _: None
    steps: list[Step] = field(default_factory=list)
    connection_id: str = ""
    token: str = ""
    entities: dict[str, int] = field(default_factory=dict)
    reauth_webhook_seconds: float | None = None
    recovered_seconds: float | None = None
    _reauthorize_url: str = ""
    _password_changed_at: float = 0.0

    def run(self) -> bool:
        """Whether all steps succeeded."""
        for name, step in self._script():
            started = time.monotonic()
            try:
                told, ok = step(), True
            except Exception as error:  # noqa: BLE001  whatever went wrong is the step's result
                told, ok = f"{type(error).__name__}: {error}", False
            self.steps.append(Step(name, ok, round(time.monotonic() - started, 3), told))
            self.say(self.steps[-1])
            if not ok:
                return False
        return True

    def _script(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("connect", self.connect),
            ("first sync", self.first_sync),
            ("publish a sync request", self.publish_a_sync_request),
            ("consume entities", self.consume_entities),
            ("read by API", self.read_by_api),
            ("remap a field", self.remap_a_field),
            ("permission taken away", self.permission_taken_away),
            ("password changed", self.password_changed),
            ("webhook verified", self.webhook_verified),
            ("reconnect", self.reconnect),
            ("recovered", self.recovered),
        ]

    def connect(self) -> str:
        endpoint = self.vendor.post("/webhook-endpoints", {"url": self.receiver.url})
        self.receiver.secret = endpoint["secret"]
        self.connection_id, self.token = self.vendor.connect(
            self.plant.system, self.plant.connection_fields, metadata={"customer": "Plant 7"}
        )
        return f"a customer connected {self.plant.system} through the hosted page: {self.connection_id}"

    def first_sync(self) -> str:
        sync = self._completed_sync(lambda _: True)
        self.entities = self._counts()
        empty = [name for name, count in self.entities.items() if count == 0]
        if empty:
            raise RuntimeError(f"nothing was read of {empty}")
        listed = ", ".join(f"{count} {name}" for name, count in self.entities.items())
        return f"{sync['records']} records read and mapped: {listed}"

    def publish_a_sync_request(self) -> str:
        request_id = f"demo-{time.time_ns()}"
        publish_sync_request(
            self.kafka_bootstrap,
            self.topic_prefix,
            {"connection_id": self.connection_id, "mode": "full", "request_id": request_id},
        )
        sync = self._completed_sync(lambda one: one["request_id"] == request_id)
        return f"a plain Kafka client asked for a full sync; {sync['records']} records were read again"

    def consume_entities(self) -> str:
        total = sum(self.entities.values())
        events = consume(
            self.kafka_bootstrap,
            [f"{self.topic_prefix}entities.{name}" for name in self.entities],
            until=lambda seen: len({event["id"] for event in seen if self._ours(event)}) >= total,
            seconds=EVENT_SECONDS,
        )
        ours = [event for event in events if self._ours(event)]
        if len(ours) != total:
            raise RuntimeError(f"{len(ours)} events for {total} entities: the second sync changed nothing")
        return f"{total} entities on entities.*, one event each although they were read twice"

    def read_by_api(self) -> str:
        answer = self.vendor.get("/items?limit=3", token=self.token)
        item = answer["data"][0]
        refused = self.vendor.call("GET", "/items", token="lsc_unknown")  # noqa: S106  not a real one
        if refused.status_code != 401:  # noqa: PLR2004
            raise RuntimeError(f"an unknown token got {refused.status_code}")
        return f"GET /v1/items: {item['number']} {item['display']!r}, as of {answer['meta']['data_as_of']}"

    def remap_a_field(self) -> str:
        path = f"/connections/{self.connection_id}/mappings/item"
        definition = {
            "fields": {"description": {"expr": f"upper({self.plant.item_label})"}},
            "custom_fields": {"demo_rank": {"path": "id", "type": "integer", "label": "Rank"}},
            "comment": "demo: the label as description, the key as a custom field",
        }
        changed = self.vendor.put(path, definition)
        item = self.vendor.get("/items?limit=1", token=self.token)["data"][0]
        if item["description"] != item["display"].upper() or "demo_rank" not in item["custom_fields"]:
            raise RuntimeError(f"the read after the change does not show it: {item}")
        if item["mapping_version"] != changed["version"]:
            raise RuntimeError(f"mapped by version {item['mapping_version']}, not {changed['version']}")
        total = self.entities["item"]
        consume(
            self.kafka_bootstrap,
            [f"{self.topic_prefix}entities.item"],
            until=lambda seen: len(self._of_version(seen, changed["version"])) >= total,
            seconds=EVENT_SECONDS,
        )
        return f"version {changed['version']} shows in the next read; {total} items were republished with it"

    def permission_taken_away(self) -> str:
        lost = self.plant.revoke_one_object()
        sync = self._run_sync()
        results = {one["object"]: one["result"] for one in sync["objects"]}
        failed = {name for name, result in results.items() if result == "failed"}
        if failed != {lost}:
            raise RuntimeError(f"{lost} should have failed alone: {results}")
        status = wait_until("the status names it", lambda: self._degraded(lost), EVENT_SECONDS)
        summary = status["verdict"]["summary"]
        self.plant.restore_one_object()
        return f"{len(results) - 1} objects went on; the status says: {summary}"

    def password_changed(self) -> str:
        before = len(self.receiver.deliveries)
        self.plant.change_password(NEW_PASSWORD)
        self._password_changed_at = time.time()
        self.vendor.post(f"/connections/{self.connection_id}/syncs", {})
        delivery = self.receiver.wait_for(
            lambda one: one.type == "connection.reauthorization_required", EVENT_SECONDS
        )
        errors = self.vendor.get(f"/connections/{self.connection_id}/errors")["data"]
        refused_at = _timestamp(next(one["at"] for one in errors if one["outcome"] == "credentials_rejected"))
        self.reauth_webhook_seconds = round(delivery.received_at - refused_at, 3)
        if len(self.receiver.deliveries) == before:
            raise RuntimeError("no delivery was kept")
        return f"the webhook came {self.reauth_webhook_seconds:.3f} s after the refused call"

    def webhook_verified(self) -> str:
        status = self.vendor.status(self.connection_id)
        if status["status"] != "reauthorization_required":
            raise RuntimeError(f"the status is {status['status']}")
        requests = self.plant.requests_seen()
        reading = self.vendor.call("GET", "/items?limit=1", token=self.token)
        writing = self.vendor.call("POST", "/vendors", {"name": "never written"}, token=self.token)
        syncing = self.vendor.call("POST", f"/connections/{self.connection_id}/syncs", {})
        codes = (reading.status_code, writing.status_code, syncing.status_code)
        if codes != (200, 409, 409):
            raise RuntimeError(f"read, write and sync answered {codes}: {writing.text} {syncing.text}")
        if self.plant.requests_seen() != requests:
            raise RuntimeError("the source was called although its credentials do not work")
        sent = [one for one in self.receiver.deliveries if one.type == "connection.reauthorization_required"]
        unverified = [one.problem for one in self.receiver.deliveries if one.problem]
        if len(sent) != 1 or unverified:
            raise RuntimeError(f"{len(sent)} webhooks, unverified: {unverified}")
        self._reauthorize_url = sent[0].body["data"]["reauthorize_url"]
        return "one webhook, its signature verified; reads answer 200, writes and syncs 409, the source rests"

    def reconnect(self) -> str:
        old = self.token
        fields = {"password": self.plant.connection_fields["password"]}
        started = time.time()
        code = self.vendor.fill_in(self._reauthorize_url, fields)
        self.receiver.wait_for(lambda one: one.type == "connection.recovered", EVENT_SECONDS)
        self.recovered_seconds = round(time.time() - started, 3)
        connection_id, self.token = self.vendor.exchange(code)
        if connection_id != self.connection_id:
            raise RuntimeError(f"another connection: {connection_id}")
        if self.vendor.call("GET", "/items", token=old).status_code != 401:  # noqa: PLR2004
            raise RuntimeError("the old token still works")
        return "the customer followed the link and gave the new password only; a new token, the old one ended"

    def recovered(self) -> str:
        sync = self._completed_sync(lambda one: _timestamp(one["created_at"]) > self._password_changed_at)
        if sync["result"] != "completed":
            raise RuntimeError(f"the waiting sync ended {sync['result']}: {sync['objects']}")
        wait_until(
            "healthy", lambda: self.vendor.status(self.connection_id)["status"] == "healthy", EVENT_SECONDS
        )
        self.vendor.get("/items?limit=1", token=self.token)
        recovered = [one for one in self.receiver.deliveries if one.type == "connection.recovered"]
        return f"the sync that had waited went on and completed; connection.recovered came {len(recovered)}x"

    def _run_sync(self) -> dict[str, Any]:
        request_id = f"demo-{time.time_ns()}"
        self.vendor.post(f"/connections/{self.connection_id}/syncs", {"request_id": request_id})
        return self._completed_sync(lambda one: one["request_id"] == request_id)

    def _completed_sync(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            syncs = self.vendor.get(f"/connections/{self.connection_id}/syncs")["data"]
            return next((one for one in syncs if wanted(one) and one["completed_at"]), None)

        completed: dict[str, Any] = wait_until("a sync completed", find, SYNC_SECONDS)
        return completed

    def _counts(self) -> dict[str, int]:
        system = self.vendor.get(f"/systems/{self.plant.system}")
        return {name: self._count(ROUTES[name]) for name in system["entities"]}

    def _count(self, route: str) -> int:
        total, cursor = 0, ""
        while True:
            page = self.vendor.get(f"/{route}?limit=500{cursor}", token=self.token)
            total += len(page["data"])
            if not page["next_cursor"]:
                return total
            cursor = f"&cursor={page['next_cursor']}"

    def _ours(self, event: dict[str, Any]) -> bool:
        return bool(event["connection_id"] == self.connection_id)

    def _of_version(self, events: list[dict[str, Any]], version: int) -> set[str]:
        return {one["id"] for one in events if self._ours(one) and one["mapping_version"] == version}

    def _degraded(self, lost: str) -> dict[str, Any] | None:
        status = self.vendor.status(self.connection_id)
        verdict = status["verdict"] or {}
        return status if status["status"] == "degraded" and verdict.get("objects") == [lost] else None


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
