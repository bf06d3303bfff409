"""What the answers of a REST interface come to: by status and shape, a manifest's own lines first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lineshaft.common import exact_json
from lineshaft.common.integrations import Manifest
from lineshaft.common.integrations.options import RefusalPlaces
from lineshaft.common.mapping.paths import compile_path, parse_path
from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.common.whole_numbers import whole_number
from lineshaft.connector.adapters.http import LONGEST_WAIT, Answer, NoAnswerError
from lineshaft.connector.adapters.protocols.http_evidence import ruled, unanswered
from lineshaft.connector.adapters.rate_headers import resets_at
from lineshaft.connector.domain.classification import BodyShape, Facts, ruling
from lineshaft.connector.domain.evidence import Evidence

_SUCCESS = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer with what could be read of it."""

    shape: BodyShape
    body: Any = None


def take_apart(answer: Answer) -> Reading:
    if not answer.body:
        return Reading(BodyShape.RESULT if answer.status // 100 == _SUCCESS else BodyShape.EMPTY)
    if answer.is_html:
        return Reading(BodyShape.HTML)
    try:
        body = exact_json.decode(answer.body)
    except ValueError:
        return Reading(BodyShape.OTHER)
    if not isinstance(body, dict | list):
        return Reading(BodyShape.JSON, body)
    return Reading(BodyShape.RESULT if answer.status // 100 == _SUCCESS else BodyShape.ERROR, body)


@dataclass(frozen=True, slots=True)
class Classifier:
    """By `options.errors` of the manifest."""

    manifest: Manifest
    secrets: Collection[str] = field(default=(), repr=False)
    """Grow while tokens are renewed."""
    places: RefusalPlaces = field(init=False)

    def __post_init__(self) -> None:
        places = RefusalPlaces.model_validate(self.manifest.options.get("errors", {}))
        object.__setattr__(self, "places", places)

    def evidence(
        self,
        answer: Answer | NoAnswerError,
        operation: Operation,
        now: datetime,
        object_name: str | None = None,
    ) -> Evidence:
        if isinstance(answer, NoAnswerError):
            return unanswered(answer, operation, object_name, tuple(self.secrets))
        reading = self._read(answer)
        code = _found(reading, self.places.code_path)
        facts = Facts(
            operation, answer.status, reading.shape, code, answer.headers, body=lambda: reading.body
        )
        rule = ruling(facts, (), self.manifest.errors)
        evidence = ruled(
            rule,
            answer,
            operation,
            object_name,
            code=code,
            message=_found(reading, self.places.message_path),
            retry_at=self._retry_at(answer, reading, now) if rule.outcome is not Outcome.OK else None,
            secrets=tuple(self.secrets),
        )
        return replace(evidence, field=_found(reading, self.places.field_path))

    def _read(self, answer: Answer) -> Reading:
        reading = take_apart(answer)
        marker = self.places.marker
        if reading.shape is BodyShape.RESULT and marker and at(reading.body, marker) is not None:
            return Reading(BodyShape.ERROR, reading.body)
        return reading

    def _retry_at(self, answer: Answer, reading: Reading, now: datetime) -> datetime | None:
        told = answer.retry_at(now)
        wait = _found(reading, self.places.wait_path)
        if wait is not None and wait.isdigit():
            told_ms = whole_number(wait, LONGEST_WAIT // timedelta(milliseconds=1))
            return now + (LONGEST_WAIT if told_ms is None else timedelta(milliseconds=told_ms))
        return told or resets_at(answer, now, self.manifest.limits.reset_header)


def _found(reading: Reading, places: str | Sequence[str]) -> str | None:
    if reading.shape is not BodyShape.ERROR:
        return None
    found = (at(reading.body, place) for place in ([places] if isinstance(places, str) else places))
    return next((str(one) for one in found if one is not None), None)


def at(body: Any, path: str) -> Any:
    """The value at a path of the manifest; the whole body at an empty one, and `0.name` in a list."""
    if isinstance(body, list) and path:
        place, _, inside = path.partition(".")
        return at(body[int(place)], inside) if place.isdecimal() and int(place) < len(body) else None
    return body if not path else compile_path(parse_path(path))(body)


def moment_at(body: Any, path: str | None) -> datetime | None:
    """A time of ISO 8601 at a path, in UTC where it names no zone; None where there is none."""
    found = at(body, path) if path else None
    try:
        moment = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def records_at(body: bytes, path: str | None) -> list[bytes]:
    """The records of a page, each as it came.

    Raises:
        msgspec.DecodeError: there is no list at that place.
    """
    found: Sequence[Any] = msgspec.json.decode(raw_at(body, path), type=list[msgspec.Raw])
    return list(found)


def raw_at(body: bytes, path: str | None) -> msgspec.Raw | bytes:
    """What lies at a path, as it came.

    Raises:
        msgspec.DecodeError: there is no such place.
    """
    here: msgspec.Raw | bytes = body
    for part in parse_path(path).segments if path else ():
        inside = msgspec.json.decode(here, type=dict[str, msgspec.Raw])
        if part.name not in inside:
            raise msgspec.DecodeError(f"the answer has no {path}")
        here = inside[part.name]
    return here
