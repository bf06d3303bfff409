"""A source in memory that a test can put into any state, behind the protocol's port."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from lineshaft.common.outcomes import Grant, Operation, Outcome
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.protocol import (
    Cursor,
    FieldDescription,
    Need,
    ObjectDescription,
    Page,
    Right,
    Verified,
    WriteOperation,
    Written,
)
from lineshaft.connector.domain.sessions import Sessions

Hook = Callable[[str], Any]


@dataclass
class FakePlant:
    """`before_read` runs before each page; what it raises is the page's answer."""

    password: str = "right"
    account_id: str = "plant/1"
    rows: int = 25
    page_size: int = 10
    login_seconds: float = 0.0
    logins: int = 0
    refused_logins: int = 0
    reads: list[tuple[str, int]] = field(default_factory=list)
    writes: list[tuple[str, str | None]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    failing: dict[str, Evidence] = field(default_factory=dict)
    before_read: Hook | None = None
    before_write: Hook | None = None
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was written, by id."""
    after_write: Hook | None = None
    verify_failure: Evidence | None = None
    rights_failure: Evidence | None = None
    expires_at: datetime | None = None
    closed: int = 0

    def change_password(self, password: str) -> None:
        self.password = password
        self.sessions.clear()

    def open(self, target: Target, _http: SourceHttp, sessions: Sessions) -> "FakeSource":
        return FakeSource(self, target, sessions)


class FakeSource:
    host = "plant.example:443"

    def __init__(self, plant: FakePlant, target: Target, sessions: Sessions) -> None:
        self._plant = plant
        self._target = target
        self._sessions = sessions

    async def verify(self) -> Verified:
        await self._session(Operation.VERIFY)
        if self._plant.verify_failure is not None:
            raise SourceFailureError(self._plant.verify_failure)
        account = self._target.credentials.get("account", self._plant.account_id)
        return Verified(account, self._target.credentials["username"], self._plant.expires_at)

    async def describe(self, objects: Sequence[str]) -> Sequence[ObjectDescription]:
        return [
            ObjectDescription(
                name,
                name,
                (FieldDescription("id", "integer", "ID"), FieldDescription("name", "char", "Name")),
            )
            for name in objects
        ]

    async def read(
        self,
        object_name: str,
        fields: Sequence[str],  # noqa: ARG002  the port's signature
        cursor: Cursor | None,
        limit: int | None = None,
    ) -> Page:
        plant = self._plant
        await self._session(Operation.READ)
        after = int((cursor or {}).get("after") or (cursor or {}).get("done") or 0)
        plant.reads.append((object_name, after))
        if plant.before_read is not None:
            result = plant.before_read(object_name)
            if asyncio.iscoroutine(result):
                await result
        if object_name in plant.denied:
            raise SourceFailureError(
                Evidence(
                    Outcome.PERMISSION_DENIED, Operation.READ, object_name, 200, "UserError", "not allowed"
                )
            )
        if object_name in plant.failing:
            raise SourceFailureError(plant.failing[object_name])
        size = limit or plant.page_size
        numbers = range(after + 1, min(after + size, plant.rows) + 1)
        records = [orjson.dumps({"id": number, "name": f"row {number}"}) for number in numbers]
        last = len(records) < size
        return Page(records, {"done": plant.rows} if last else {"after": numbers[-1]}, last)

    async def write(
        self,
        object_name: str,
        operation: WriteOperation,
        source_id: str | None,
        values: Mapping[str, Any],
    ) -> Written:
        await self._session(Operation.WRITE)
        plant = self._plant
        plant.writes.append((object_name, source_id))
        if plant.before_write is not None:
            plant.before_write(object_name)
        key = source_id or str(77 + len(plant.stored))
        if operation is WriteOperation.DELETE:
            del plant.stored[key]
        else:
            plant.stored[key] = {"id": int(key), **plant.stored.get(key, {}), **values}
        if plant.after_write is not None:
            plant.after_write(object_name)
        return Written(key)

    async def find(
        self,
        object_name: str,  # noqa: ARG002  the port's signature
        fields: Sequence[str],  # noqa: ARG002
        match: Mapping[str, Any],
    ) -> Sequence[bytes] | None:
        await self._session(Operation.READ)
        return [
            orjson.dumps(record)
            for record in self._plant.stored.values()
            if all(str(record.get(name)) == str(value) for name, value in match.items())
        ][:2]

    async def rights(self, needs: Sequence[Need]) -> Mapping[Need, Right]:
        await self._session(Operation.DESCRIBE)
        if self._plant.rights_failure is not None:
            raise SourceFailureError(self._plant.rights_failure)
        return {
            need: Right(Grant.DENIED if need.object in self._plant.denied else Grant.GRANTED)
            for need in needs
        }

    def classify(self, answer: Any) -> Evidence:
        return Evidence(answer, Operation.READ)

    async def aclose(self) -> None:
        self._plant.closed += 1

    async def _session(self, operation: Operation) -> None:
        session = await self._sessions.get(self._login)
        if session.secret.decode() not in self._plant.sessions:
            session = await self._sessions.renew(session, self._login)
        if session.secret.decode() not in self._plant.sessions:
            raise SourceFailureError(
                Evidence(Outcome.SOURCE_ERROR, operation, code="fresh_session_refused", confidence="medium")
            )

    async def _login(self, _: bytes | None) -> bytes:
        plant = self._plant
        plant.logins += 1
        await asyncio.sleep(plant.login_seconds)
        if self._target.credentials["password"] != plant.password:
            plant.refused_logins += 1
            raise SourceFailureError(
                Evidence(Outcome.CREDENTIALS_REJECTED, Operation.LOGIN, None, 401, "login_refused")
            )
        token = f"session-{plant.logins}"
        plant.sessions.add(token)
        return token.encode()
