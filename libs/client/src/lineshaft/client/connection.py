"""One customer's connection."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineshaft.client import answers
from lineshaft.client.problems import ProblemError, SyncFailedError, SyncWaitsError
from lineshaft.client.records import Records
from lineshaft.client.transport import Transport

ACCEPTED = 202
LOOK_SECONDS = 0.5
WAITS_FOR_SOMEBODY = {"reauthorization_required", "paused", "disconnected"}


class Connection:
    """A handle; nothing is asked before a method is called."""

    def __init__(self, transport: Transport, connection_id: str) -> None:
        self.id = connection_id
        self._transport = transport
        self._path = f"/connections/{connection_id}"

    def describe(self) -> answers.ConnectionDescription:
        answer: answers.ConnectionDescription = self._transport.get(self._path)
        return answer

    def change(self, **changes: Any) -> answers.ConnectionDescription:
        """`label`, `metadata`, or `objects`: those of the system that are read from now on; None: all."""
        answer: answers.ConnectionDescription = self._transport.send("PATCH", self._path, changes)
        return answer

    def status(self) -> answers.Status:
        answer: answers.Status = self._transport.get(f"{self._path}/status")
        return answer

    def timeline(self) -> Iterator[dict[str, Any]]:
        return self._transport.pages(f"{self._path}/timeline")

    def errors(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Failed calls, newest first; filters are `object`, `operation`, `fault`."""
        return self._transport.pages(f"{self._path}/errors", **filters)

    def issues(self) -> Iterator[dict[str, Any]]:
        return self._transport.pages(f"{self._path}/issues")

    def pause(self) -> None:
        self._transport.send("POST", f"{self._path}/pause")

    def resume(self) -> None:
        self._transport.send("POST", f"{self._path}/resume")

    def disconnect(self) -> None:
        self._transport.send("POST", f"{self._path}/disconnect")

    def delete(self) -> None:
        """For good: every service deletes what it holds of the customer; `purge` has their receipts."""
        self._transport.send("DELETE", self._path)

    def purge(self) -> answers.Purge:
        """The receipts, after `delete`."""
        answer: answers.Purge = self._transport.get(f"{self._path}/purge")
        return answer

    def rotate_token(self) -> str:
        """A new connection token; the one before ends."""
        answer: answers.Token = self._transport.send("POST", f"{self._path}/token")
        return answer["token"]

    def reconnect_link(self, redirect_url: str | None = None) -> answers.LinkSession:
        """For the customer: asks for the secret only, and keeps everything else."""
        body = {"connection_id": self.id, "redirect_url": redirect_url}
        answer: answers.LinkSession = self._transport.send("POST", "/link-sessions", body)
        return answer

    def records(self, route: str) -> Records:
        return Records(self._transport, route, self.id)

    def sync(
        self,
        entities: Sequence[str] | None = None,
        *,
        objects: Sequence[str] | None = None,
        full: bool = False,
    ) -> str:
        """Asks for a sync; its request id."""
        body = {"entities": entities, "objects": objects, "mode": "full" if full else "incremental"}
        answer: answers.SyncAccepted = self._transport.send("POST", f"{self._path}/syncs", body)
        return answer["request_id"]

    def syncs(self) -> Iterator[answers.Sync]:
        """Newest first."""
        return self._transport.pages(f"{self._path}/syncs")

    def find_sync(self, request_id: str) -> answers.Sync | None:
        """None before it has begun. A request that was done with an equal one has that one's sync."""
        page = self._transport.get(f"{self._path}/syncs", request_id=request_id, limit=1)
        return next(iter(page["data"]), None)

    def wait_for_sync(self, request_id: str, *, seconds: float = 600.0) -> answers.Sync:
        """The sync once all its records are readable.

        Raises:
            SyncFailedError: it failed, or failed in part.
            SyncWaitsError: somebody has to act first, such as the customer after a changed password.
            TimeoutError: it was not complete in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            sync = self.find_sync(request_id)
            if sync is not None and sync["result"] is not None:
                if sync["result"] != "completed":
                    raise SyncFailedError(sync)
                return sync
            status = self.status()
            if status["status"] in WAITS_FOR_SOMEBODY:
                raise SyncWaitsError(status)
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"sync {request_id} was not complete within {seconds:.0f} s")

    def mapping(self, entity: str) -> answers.Mapping:
        answer: answers.Mapping = self._transport.get(f"{self._path}/mappings/{entity}")
        return answer

    def change_mapping(
        self, entity: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> answers.Mapping:
        """In force at once. With `version`, only if nobody has changed it since.

        Raises:
            ProblemError: `validation_failed` with the fields, or 412 where another was faster.
        """
        path = f"{self._path}/mappings/{entity}"
        match = {} if version is None else {"If_Match": f'"{version}"'}
        answer: answers.Mapping = self._transport.send("PUT", path, changes, **match)
        return answer

    def mapping_file(self, entity: str) -> str:
        """The customer's changes to the default as YAML."""
        return self._transport.request("GET", f"{self._path}/mappings/{entity}/yaml").text

    def apply_mapping_file(self, entity: str, text: str) -> answers.Mapping:
        """In force at once.

        Raises:
            ProblemError: `validation_failed` with the fields.
        """
        taken = self._transport.request(
            "PUT",
            f"{self._path}/mappings/{entity}/yaml",
            content=text.encode(),
            headers={"Content-Type": "application/yaml"},
        )
        answer: answers.Mapping = self._transport.json_of(taken)
        return answer

    def custom_objects(self) -> list[answers.CustomObject]:
        answer: list[answers.CustomObject] = self._transport.get(f"{self._path}/objects")["data"]
        return answer

    def add_custom_object(
        self,
        name: str,
        source_object: str,
        *,
        key: Sequence[str] | None = None,
        cursor: str | None = None,
        fields: Sequence[str] | None = None,
    ) -> answers.CustomObject:
        """Any object of the source as `records("objects/<name>")`; its first sync begins at once.

        `key` are the fields that identify a record, `["id"]` without them; without `cursor`, the field that
        tells when it was changed, each sync reads all. An object that is read already keeps both. Without
        `fields` all plain ones are taken.
        """
        body = {"name": name, "object": source_object, "key": key, "cursor": cursor, "fields": fields}
        answer: answers.CustomObject = self._transport.send("POST", f"{self._path}/objects", body)
        return answer

    def remove_custom_object(self, name: str) -> None:
        """It is read no more and shown no more."""
        self._transport.send("DELETE", f"{self._path}/objects/{name}")

    def schedule(self) -> answers.Schedule:
        answer: answers.Schedule = self._transport.get(f"{self._path}/schedule")
        return answer

    def set_schedule(
        self,
        *,
        every_minutes: int | None,
        full_every_hours: int | None = None,
        objects: Mapping[str, Mapping[str, int | None]] | None = None,
    ) -> None:
        """Replaces it; None is only on request. `objects` have both numbers of their own."""
        frequency = {"every_minutes": every_minutes, "full_every_hours": full_every_hours}
        self._ordered("PUT", f"{self._path}/schedule", {**frequency, "objects": objects or {}})

    def diagnose(self, *, source_object: str | None = None, seconds: float = 120.0) -> answers.Ladder:
        """Climbs the network ladder now: how far a call to the source gets, and what to ask whom for.

        Raises:
            ProblemError: it could not be climbed.
            TimeoutError: it was not done in time; `last_ladder` has it later.
        """
        body = {"object": source_object}
        answer: answers.Ladder = self._ordered("POST", f"{self._path}/diagnose", body, seconds=seconds)
        return answer

    def last_ladder(self) -> answers.Ladder:
        """Whoever asked for it.

        Raises:
            ProblemError: `not_found` where nobody has.
        """
        answer: answers.Ladder = self._transport.get(f"{self._path}/diagnose")
        return answer

    def _ordered(self, method: str, path: str, body: Any, *, seconds: float = 120.0) -> Any:
        """The result of an order, which is looked for where it takes longer."""
        answer = self._transport.request(method, path, body)
        if answer.status_code != ACCEPTED:
            return self._transport.json_of(answer)
        operation = self._transport.json_of(answer)
        deadline = time.monotonic() + seconds
        while operation["status"] == "pending":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{operation['operation']} was not done within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)
            operation = self._transport.get(f"/operations/{operation['id']}")
        if operation["problem"]:
            raise ProblemError(operation["problem"].get("status", 500), operation["problem"], None)
        return operation["data"]
