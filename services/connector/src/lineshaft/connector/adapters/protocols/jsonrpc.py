"""What Tryton's JSON-RPC and Odoo's share: how a call is posted, and what its answer comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

import msgspec

from lineshaft.common.clock import Clock
from lineshaft.common.integrations.manifest import ErrorRule
from lineshaft.common.outcomes import Operation
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.classification import BodyShape
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError

Undecoded: TypeAlias = msgspec.Raw | memoryview


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer taken apart."""

    shape: BodyShape
    result: Undecoded | None = None
    code: str | None = None
    message: str | None = None


class EvidenceOf(Protocol):
    """What an answer, or the lack of one, comes to; `rules` of the manifest come before the protocol's."""

    def __call__(
        self,
        answer: Answer | NoAnswerError,
        operation: Operation,
        *,
        now: datetime,
        object_name: str | None = None,
        rules: Sequence[ErrorRule] = (),
        secrets: tuple[str, ...] = (),
        fresh_login: bool = False,
        reading: Reading | None = None,
    ) -> Evidence: ...


class JsonRpc:
    """Setting `base_url`."""

    def __init__(self, target: Target, http: SourceHttp, clock: Clock, evidence_of: EvidenceOf) -> None:
        self._manifest = target.system.manifest
        self._http = http
        self._clock = clock
        self._evidence_of = evidence_of
        self.url = str(target.settings["base_url"]).rstrip("/")
        self._secrets = dict.fromkeys(target.secrets)

    def hide(self, secret: str) -> None:
        """No message may hold it from now on."""
        self._secrets[secret] = None

    async def post(
        self,
        path: str,
        content: bytes,
        operation: Operation,
        object_name: str | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return await self._http.post(
                self.url + path,
                content,
                {"content-type": "application/json", **(headers or {})},
                seconds=self._manifest.limits.timeout_s,
            )
        except NoAnswerError as error:
            raise SourceFailureError(self.evidence(error, operation, object_name)) from error

    def evidence(
        self,
        answer: Answer | NoAnswerError,
        operation: Operation,
        object_name: str | None = None,
        *,
        fresh_login: bool = False,
        reading: Reading | None = None,
    ) -> Evidence:
        return self._evidence_of(
            answer,
            operation,
            now=self._clock(),
            object_name=object_name,
            rules=self._manifest.errors,
            secrets=tuple(self._secrets),
            fresh_login=fresh_login,
            reading=reading,
        )
