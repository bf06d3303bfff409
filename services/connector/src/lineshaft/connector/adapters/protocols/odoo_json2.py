"""Odoo's interface since 19: `POST /json/2/<model>/<method>` with an API key; refusals have a status."""

from collections.abc import Sequence
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.clock import Clock, now
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError, SourceHttp
from lineshaft.connector.adapters.protocols.http_evidence import UNREADABLE, ruled, unanswered
from lineshaft.connector.adapters.protocols.target import Target, host_and_port
from lineshaft.connector.domain.classification import BodyShape, Facts, Rule, ruling
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError

_READING = (Operation.READ, Operation.DESCRIBE, Operation.PROBE, Operation.VERIFY)
_ERROR = (BodyShape.ERROR,)
_SUCCESS = 200

RULES: tuple[Rule, ...] = (
    Rule(Outcome.PERMISSION_DENIED, None, _ERROR, "odoo.exceptions.AccessError"),
    Rule(Outcome.CREDENTIALS_REJECTED, None, _ERROR, "odoo.exceptions.AccessDenied"),
    Rule(Outcome.CONFIGURATION_ERROR, ("404",), _ERROR, "werkzeug.exceptions.NotFound", name="not_there"),
    Rule(Outcome.CONFIGURATION_ERROR, None, _ERROR, "builtins.ValueError", _READING),
    Rule(Outcome.CONFIGURATION_ERROR, None, _ERROR, "builtins.KeyError", _READING),
    Rule(Outcome.CONFIGURATION_ERROR, None, _ERROR, "odoo.exceptions.UserError", _READING),
    *(
        Rule(Outcome.INVALID_REQUEST, None, _ERROR, name, (Operation.WRITE,))
        for name in (
            "odoo.exceptions.UserError",
            "odoo.exceptions.ValidationError",
            "odoo.exceptions.MissingError",
            "odoo.exceptions.RedirectWarning",
            "builtins.ValueError",
            "builtins.KeyError",
        )
    ),
)
"""By the name of the exception; without one the status says what it says everywhere."""


class _Error(msgspec.Struct):
    name: str = ""
    message: Any = None


class OdooJson2:
    """Settings `base_url` and `database`, credential `api_key`."""

    def __init__(self, target: Target, http: SourceHttp, clock: Clock = now) -> None:
        self._manifest = target.system.manifest
        self._secrets = target.secrets
        self._http = http
        self._clock = clock
        self._url = str(target.settings["base_url"]).rstrip("/")
        self._headers = {
            "authorization": f"bearer {target.credentials['api_key']}",
            "content-type": "application/json; charset=utf-8",
        }
        if database := target.settings.get("database"):
            self._headers["x-odoo-database"] = str(database)
        self.host = host_and_port(self._url)

    async def user(self) -> int:
        answer, result = await self.call(Operation.VERIFY, "res.users", "context_get")
        try:
            return int(msgspec.json.decode(result)["uid"])
        except (KeyError, TypeError, ValueError) as error:
            raise SourceFailureError(
                Evidence(
                    Outcome.SOURCE_ERROR,
                    Operation.VERIFY,
                    http_status=answer.status,
                    code="unusable_answer",
                    message="the answer does not say whose key it is",
                    duration_ms=answer.duration_ms,
                )
            ) from error

    async def call(
        self,
        operation: Operation,
        model: str,
        method: str,
        ids: Sequence[int] = (),
        /,
        **named: Any,
    ) -> tuple[Answer, msgspec.Raw]:
        body = {**({"ids": list(ids)} if ids else {}), **named}
        about = None if operation is Operation.VERIFY else model
        try:
            answer = await self._http.post(
                f"{self._url}/json/2/{model}/{method}",
                exact_json.encode(body),
                self._headers,
                seconds=self._manifest.limits.timeout_s,
            )
        except NoAnswerError as error:
            raise SourceFailureError(self._evidence(error, operation, about)) from error
        evidence = self._evidence(answer, operation, about)
        if evidence.outcome is not Outcome.OK:
            raise SourceFailureError(evidence)
        return answer, msgspec.Raw(answer.body)

    async def allowed(self, model: str, right: str) -> bool:
        _, result = await self.call(Operation.DESCRIBE, model, "has_access", operation=right)
        return bool(msgspec.json.decode(result))

    def evidence(self, answer: Answer | NoAnswerError, operation: Operation) -> Evidence:
        return self._evidence(answer, operation)

    def _evidence(
        self, answer: Answer | NoAnswerError, operation: Operation, model: str | None = None
    ) -> Evidence:
        if isinstance(answer, NoAnswerError):
            return unanswered(answer, operation, model, self._secrets)
        shape, error = _taken_apart(answer)
        facts = Facts(operation, answer.status, shape, error.name or None, answer.headers)
        return ruled(
            ruling(facts, RULES, self._manifest.errors),
            answer,
            operation,
            model,
            code=error.name or None,
            message=None if error.message is None else str(error.message),
            retry_at=answer.retry_at(self._clock()),
            secrets=self._secrets,
        )


def _taken_apart(answer: Answer) -> tuple[BodyShape, _Error]:
    """The body without its `debug`, which holds a traceback."""
    if not answer.body:
        return BodyShape.EMPTY, _Error()
    if answer.is_html:
        return BodyShape.HTML, _Error()
    try:
        if answer.status == _SUCCESS:
            msgspec.json.decode(answer.body, type=msgspec.Raw)
            return BodyShape.RESULT, _Error()
        return BodyShape.ERROR, msgspec.json.decode(answer.body, type=_Error)
    except UNREADABLE:
        return BodyShape.OTHER, _Error()
