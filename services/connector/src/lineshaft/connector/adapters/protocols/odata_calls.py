"""Calls to one OData service: what they bring back, or the evidence of why not."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from lineshaft.common.clock import Clock
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.odata_answers import REFUSED, Classifier, is_metadata
from lineshaft.connector.adapters.protocols.odata_metadata import (
    Metadata,
    UnusableMetadataError,
    parse_metadata,
)
from lineshaft.connector.adapters.protocols.odata_requests import Addresses
from lineshaft.connector.adapters.protocols.second_probe import believed
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError

XML = {"accept": "application/xml"}


class Calls:
    def __init__(
        self,
        target: Target,
        http: AuthorizedHttp,
        addresses: Addresses,
        clock: Clock,
        verify: Callable[[], Awaitable[object]],
    ) -> None:
        """`verify` is the call that proves the credentials."""
        self._verify = verify
        self._manifest = target.system.manifest
        self._http = http
        self._clock = clock
        self._addresses = addresses
        self._headers = {"accept": "application/json"}
        self._classifier = Classifier(self._manifest, http.secrets)
        self._metadata: dict[str, Metadata] = {}

    @property
    def expires_at(self) -> datetime | None:
        return self._http.expires_at

    def evidence(
        self, answer: Answer | NoAnswerError, operation: Operation, object_name: str | None = None
    ) -> Evidence:
        return self._classifier.evidence(answer, operation, self._clock(), object_name)

    async def metadata_of(self, object_name: str) -> Metadata:
        path = self._addresses.service(object_name)
        known = self._metadata.get(path)
        if known is not None:
            return known
        url = self._addresses.whole(f"{path}/$metadata")
        try:
            answer = await self.call(Operation.DESCRIBE, "GET", url, object_name, XML)
        except SourceFailureError as failure:
            if failure.evidence.http_status != REFUSED:
                raise
            # so it is for a service that is not there, too
            raise SourceFailureError(replace(failure.evidence, confidence="low")) from failure
        try:
            known = parse_metadata(answer.body)
        except UnusableMetadataError as error:
            raise unusable(answer, Operation.DESCRIBE, object_name, f"$metadata: {error}") from error
        self._metadata[path] = known
        return known

    async def call(
        self,
        operation: Operation,
        method: str,
        url: str,
        object_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return await self.require(
            await self.send(operation, method, url, object_name, headers=headers or {}),
            operation,
            object_name,
        )

    async def send(
        self,
        operation: Operation,
        method: str,
        url: str,
        object_name: str | None,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
    ) -> Answer:
        sent = {**self._headers, **headers} | ({"content-type": "application/json"} if content else {})

        def refused(answer: Answer) -> bool:
            evidence = self.evidence(answer, operation, object_name)
            return evidence.outcome is Outcome.CREDENTIALS_REJECTED

        try:
            return await self._http.request(
                method, url, sent, content, seconds=self._manifest.limits.timeout_s, refused=refused
            )
        except NoAnswerError as error:
            raise SourceFailureError(self.evidence(error, operation, object_name)) from error

    async def require(self, answer: Answer, operation: Operation, object_name: str | None) -> Answer:
        evidence = await believed(self.evidence(answer, operation, object_name), self._verify)
        if evidence.outcome is not Outcome.OK:
            raise SourceFailureError(evidence)
        return answer

    async def looked_at(self, failure: SourceFailureError, object_name: str) -> SourceFailureError:
        """A 403 also comes for a service that is not there: one whose `$metadata` is shown is."""
        evidence = failure.evidence
        if evidence.http_status != REFUSED or evidence.outcome is not Outcome.PERMISSION_DENIED:
            return failure
        url = self._addresses.whole(f"{self._addresses.service(object_name)}/$metadata")
        try:
            answer = await self.send(Operation.DESCRIBE, "GET", url, object_name, headers=XML)
        except SourceFailureError:
            return failure
        return SourceFailureError(replace(evidence, confidence="high" if is_metadata(answer) else "low"))


def misconfigured(answer: Answer, object_name: str, code: str, words: str) -> SourceFailureError:
    return _failure(Outcome.CONFIGURATION_ERROR, answer, Operation.READ, object_name, code=code, words=words)


def unusable(answer: Answer, operation: Operation, object_name: str | None, words: str) -> SourceFailureError:
    return _failure(Outcome.SOURCE_ERROR, answer, operation, object_name, code="unusable_answer", words=words)


def _failure(
    outcome: Outcome, answer: Answer, operation: Operation, object_name: str | None, *, code: str, words: str
) -> SourceFailureError:
    return SourceFailureError(
        Evidence(
            outcome,
            operation,
            object_name,
            http_status=answer.status,
            code=code,
            message=words,
            confidence="medium" if outcome is Outcome.SOURCE_ERROR else "high",
            duration_ms=answer.duration_ms,
        )
    )
