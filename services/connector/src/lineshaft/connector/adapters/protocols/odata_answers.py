"""What the answers of an OData service come to, and what lies in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.integrations import Manifest
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.http_evidence import ruled, unanswered
from lineshaft.connector.adapters.protocols.rest_answers import take_apart
from lineshaft.connector.adapters.rate_headers import resets_at
from lineshaft.connector.domain.classification import BodyShape, Facts, Rule, ruling
from lineshaft.connector.domain.evidence import Evidence

CSRF = "x-csrf-token"
REFUSED = 403

RULES: tuple[Rule, ...] = (
    # A session that ended, or a refused logon, is answered with the page to log on.
    Rule(Outcome.CREDENTIALS_REJECTED, ("2xx",), (BodyShape.HTML,), confidence="medium", name="logon_page"),
    # What we ask for comes from the manifest and worked before.
    Rule(
        Outcome.CONFIGURATION_ERROR,
        ("400",),
        (BodyShape.ERROR,),
        operations=(Operation.READ, Operation.DESCRIBE),
    ),
    Rule(Outcome.INVALID_REQUEST, ("404",), (BodyShape.ERROR,), operations=(Operation.WRITE,)),
)


@dataclass(frozen=True, slots=True)
class Classifier:
    manifest: Manifest
    secrets: Collection[str] = field(default=(), repr=False)
    """Grow while tokens are renewed."""

    def evidence(
        self,
        answer: Answer | NoAnswerError,
        operation: Operation,
        now: datetime,
        object_name: str | None = None,
    ) -> Evidence:
        if isinstance(answer, NoAnswerError):
            return unanswered(answer, operation, object_name, tuple(self.secrets))
        reading = take_apart(answer)
        shape = BodyShape.RESULT if is_metadata(answer) else reading.shape
        code, message = refusal_of(reading.body)
        facts = Facts(operation, answer.status, shape, code, answer.headers, body=lambda: reading.body)
        rule = ruling(facts, RULES, self.manifest.errors)
        return ruled(
            rule,
            answer,
            operation,
            object_name,
            code=code,
            message=message,
            retry_at=self._retry_at(answer, now) if rule.outcome is not Outcome.OK else None,
            secrets=tuple(self.secrets),
        )

    def _retry_at(self, answer: Answer, now: datetime) -> datetime | None:
        return answer.retry_at(now) or resets_at(answer, now, self.manifest.limits.reset_header)


def is_metadata(answer: Answer) -> bool:
    return answer.status // 100 == 2 and "xml" in answer.headers.get("content-type", "").split(";")[0]  # noqa: PLR2004  success


def refusal_of(body: Any) -> tuple[str | None, str | None]:
    """Code and words of V4 `{error: {code, message}}` and of V2, whose message holds its text in `value`."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None, None
    message = error.get("message")
    words = message.get("value") if isinstance(message, dict) else message
    code = error.get("code")
    target = error.get("target")
    if isinstance(target, str) and isinstance(words, str) and target not in words:
        words = f"{target}: {words}"
    return str(code) if code else None, words if isinstance(words, str) else None


def page_of(body: bytes) -> tuple[list[dict[str, msgspec.Raw]], str | None]:
    """Records of a page and the link to the next one, in V2 and V4.

    Raises:
        msgspec.DecodeError: there is no list of records.
    """
    whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if "d" in whole:
        inside = whole["d"]
        if bytes(inside).lstrip()[:1] == b"[":
            return _records(inside), None
        whole = msgspec.json.decode(inside, type=dict[str, msgspec.Raw])
        rows, following = whole.get("results"), whole.get("__next")
    else:
        rows, following = whole.get("value"), whole.get("@odata.nextLink")
    if rows is None:
        raise msgspec.DecodeError("the answer has no list of records")
    link = msgspec.json.decode(following, type=str | None) if following is not None else None
    return _records(rows), link or None


def _records(rows: msgspec.Raw) -> list[dict[str, msgspec.Raw]]:
    return msgspec.json.decode(rows, type=list[dict[str, msgspec.Raw]])


def plain(record: Mapping[str, msgspec.Raw]) -> bytes:
    """Without addresses, tags and what was put off: they change with the host, not with the record."""
    kept = {
        name: value
        for name, value in record.items()
        if is_field(name) and not bytes(value).startswith(b'{"__deferred"')
    }
    return msgspec.json.encode(kept)


def is_field(name: str) -> bool:
    return name != "__metadata" and "@odata." not in name


def entity_of(body: bytes) -> dict[str, Any]:
    """The one record of an answer; empty where there is none."""
    if not body:
        return {}
    whole = exact_json.decode(body)
    inside = whole.get("d", whole) if isinstance(whole, dict) else {}
    return inside if isinstance(inside, dict) else {}


def tag_of(answer: Answer, entity: Mapping[str, Any]) -> str | None:
    about = entity.get("__metadata")
    held = about.get("etag") if isinstance(about, dict) else entity.get("@odata.etag")
    return answer.headers.get("etag") or (str(held) if held else None)


def wants_token(answer: Answer) -> bool:
    return answer.status == REFUSED and answer.headers.get(CSRF, "").lower() == "required"


def missing_fields(record: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    return [name for name in fields if name.split(".", 1)[0] not in record]
