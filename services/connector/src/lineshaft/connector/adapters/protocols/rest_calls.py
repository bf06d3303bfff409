"""One call of a REST interface, and what its answer comes to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from lineshaft.common.clock import Clock
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.access import AuthorizedHttp
from lineshaft.connector.adapters.protocols.rest_answers import Classifier
from lineshaft.connector.adapters.protocols.rest_requests import own_headers
from lineshaft.connector.adapters.protocols.second_probe import believed
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, refused
from lineshaft.connector.domain.fields import sole


class RestCalls:
    """Every address begins with the configured one."""

    def __init__(
        self,
        target: Target,
        http: AuthorizedHttp,
        clock: Clock,
        verify: Callable[[], Awaitable[object]],
    ) -> None:
        """`verify` is the call that proves the credentials."""
        self._verify = verify
        self._manifest = target.system.manifest
        self._http = http
        self._clock = clock
        self.url = str(target.settings["base_url"]).rstrip("/")
        self._headers = {"accept": "application/json", **own_headers(self._manifest, target.settings)}
        self._classifier = Classifier(self._manifest, http.secrets)
        self.host = host_and_port(self.url)

    @property
    def expires_at(self) -> datetime | None:
        return self._http.expires_at

    async def call(
        self,
        operation: Operation,
        method: str,
        path: str,
        object_name: str | None = None,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises `SourceFailureError` for every outcome but ok."""
        kind = {"content-type": "application/json"} if content else {}
        sent = {**self._headers, **kind, **(headers or {})}

        def refused(answer: Answer) -> bool:
            return self.classify(answer, operation, object_name).outcome is Outcome.CREDENTIALS_REJECTED

        answer: Answer | NoAnswerError
        try:
            answer = await self._http.request(
                method,
                self.url + path,
                sent,
                content,
                seconds=self._manifest.limits.timeout_s,
                refused=refused,
            )
        except NoAnswerError as error:
            answer = error
        evidence = await believed(self.classify(answer, operation, object_name), self._verify)
        if evidence.outcome is not Outcome.OK or isinstance(answer, NoAnswerError):
            raise SourceFailureError(evidence)
        return answer

    def classify(
        self, answer: Answer | NoAnswerError, operation: Operation, object_name: str | None = None
    ) -> Evidence:
        return self._classifier.evidence(answer, operation, self._clock(), object_name)


def unusable(answer: Answer, operation: Operation, object_name: str | None, words: str) -> SourceFailureError:
    return SourceFailureError(
        Evidence(
            Outcome.SOURCE_ERROR,
            operation,
            object_name,
            http_status=answer.status,
            code="unusable_answer",
            message=words,
            confidence="medium",
            duration_ms=answer.duration_ms,
        )
    )


def filter_ignored(answer: Answer, object_name: str, since: object) -> SourceFailureError:
    return SourceFailureError(
        Evidence(
            Outcome.CONFIGURATION_ERROR,
            Operation.READ,
            object_name,
            http_status=answer.status,
            code="filter_ignored",
            message=f"records came that were last changed before {since}",
            duration_ms=answer.duration_ms,
        )
    )


def not_at_creation(object_name: str, fields: Sequence[str]) -> SourceFailureError:
    words = f"{', '.join(fields)} cannot be set while a record is created; change it afterwards"
    return refused(object_name, "not_at_creation", words, sole(fields))
