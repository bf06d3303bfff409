"""What can go wrong.

LineshaftClientError
├── UnreachableError     no answer: look at the address, try again later
├── ProblemError         the API answered, and says why it did not do it
├── SyncFailedError      a sync ended without all records
└── SyncWaitsError       a sync goes on only once somebody has done something
"""

from collections.abc import Mapping, Sequence
from typing import Any


class LineshaftClientError(Exception):
    """The API did not do what was asked."""


class UnreachableError(LineshaftClientError):
    """The API gave no answer."""


class ProblemError(LineshaftClientError):
    """RFC 9457 problem of the API; `code` is for programs, the text for people."""

    def __init__(self, status: int, body: Mapping[str, Any], retry_after: float | None) -> None:
        self.status = status
        self.code: str = body.get("code", "internal_error")
        self.detail: str = body.get("detail") or body.get("title") or f"the API answered {status}"
        self.request_id: str | None = body.get("request_id")
        self.connection_id: str | None = body.get("connection_id")
        self.errors: Sequence[Mapping[str, str]] = body.get("errors") or ()
        self.retry_after = retry_after
        """Seconds after which the same request may succeed; None where waiting does not help."""
        super().__init__(self._text())

    def _text(self) -> str:
        told = (f"{error.get('field')}: {error.get('message')}" for error in self.errors)
        fields = "".join(f"; {one}" for one in told if one not in self.detail)
        return f"{self.detail}{fields} ({self.code}, {self.request_id})"


class SyncFailedError(LineshaftClientError):
    """The sync ended, and not all that was asked for is readable."""

    def __init__(self, sync: Mapping[str, Any]) -> None:
        self.sync = sync
        objects = "; ".join(
            f"{one['object']}: {one.get('message') or one.get('outcome') or one['result']}"
            for one in sync["objects"]
            if one.get("result") != "completed"
        )
        super().__init__(f"sync {sync['sync_id']} {sync['result']}: {objects}")


class SyncWaitsError(LineshaftClientError):
    """The sync waits for the customer or for you; `status` is the connection's status document."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self.status = status
        verdict = status["verdict"] or {}
        words = [
            f"the sync waits: the connection is {status['status']}.",
            verdict.get("summary"),
            verdict.get("action"),
            status["reauthorize_url"],
        ]
        super().__init__(" ".join(word for word in words if word))
