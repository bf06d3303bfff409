"""One customer's connection."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineshaft.client import answers
from lineshaft.client.problems import SyncFailedError, SyncWaitsError
from lineshaft.client.records import Records
from lineshaft.client.transport import Transport

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
        answer: answers.Mapping = self._transport.request(
            "PUT",
            f"{self._path}/mappings/{entity}/yaml",
            content=text.encode(),
            headers={"Content-Type": "application/yaml"},
        ).json()
        return answer
