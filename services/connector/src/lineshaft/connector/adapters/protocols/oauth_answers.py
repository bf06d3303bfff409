"""What a token endpoint answers: a token, or why there is none (RFC 6749, 5.1 and 5.2)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.rest_answers import take_apart
from lineshaft.connector.domain.classification import BodyShape
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError, shortened

_OK = 200
_NEVER_REPEATED = frozenset({"openid", "offline_access"})
_LAST_QUARTER = 0.25
_JITTER = timedelta(minutes=1)
_LIVES_OF_REFRESH_TOKENS = ("refresh_token_expires_in", "refresh_expires_in")

_OUTCOMES: Mapping[str, Outcome] = MappingProxyType(
    {
        "invalid_grant": Outcome.CREDENTIALS_REJECTED,
        "invalid_client": Outcome.CREDENTIALS_REJECTED,
        "unauthorized_client": Outcome.CREDENTIALS_REJECTED,
        "access_denied": Outcome.CREDENTIALS_REJECTED,
        "invalid_scope": Outcome.CONFIGURATION_ERROR,
        "invalid_request": Outcome.CONFIGURATION_ERROR,
        "invalid_target": Outcome.CONFIGURATION_ERROR,
        "unsupported_grant_type": Outcome.CONFIGURATION_ERROR,
        "slow_down": Outcome.RATE_LIMITED,
        "temporarily_unavailable": Outcome.SOURCE_ERROR,
        "server_error": Outcome.SOURCE_ERROR,
    }
)
_OF_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    access_token: str
    renew_at: datetime | None = None
    refresh_token: str | None = None
    grant_ends_at: datetime | None = None
    """After this nothing can be renewed, where the provider says so."""
    end_is_fixed: bool = False
    """A renewal did not move that end."""

    @classmethod
    def loads(cls, text: bytes) -> "Token":
        return msgspec.json.decode(text, type=cls)

    def dumps(self) -> bytes:
        return msgspec.json.encode(self)

    def following(self, before: "Token") -> "Token":
        """What a renewal leaves: a source that does not rotate sends no refresh token, the old goes on."""
        kept = self.refresh_token is None
        ends_at = before.grant_ends_at if kept else self.grant_ends_at
        moved = ends_at is None or before.grant_ends_at is None or ends_at - before.grant_ends_at > _JITTER
        return msgspec.structs.replace(
            self,
            refresh_token=before.refresh_token if kept else self.refresh_token,
            grant_ends_at=ends_at,
            end_is_fixed=not moved,
        )

    def ends_soon(self, now: datetime) -> bool:
        return self.renew_at is not None and now >= self.renew_at

    @property
    def secrets(self) -> set[str]:
        return {self.access_token, *([self.refresh_token] if self.refresh_token else [])}


def token_of(answer: Answer, asked_at: datetime, ahead: timedelta) -> Token:
    """Raises SourceFailureError for an answer without a token."""
    body = take_apart(answer).body
    given = body.get("access_token") if isinstance(body, dict) else None
    kind = str(body.get("token_type", "bearer")) if isinstance(body, dict) else ""
    if not isinstance(given, str) or not given or kind.lower() != "bearer":
        words = "the answer has no bearer token"
        raise SourceFailureError(_evidence(answer, Outcome.SOURCE_ERROR, "unusable_answer", words))
    refresh = body.get("refresh_token")
    return Token(
        given,
        _renew_at(body.get("expires_in"), asked_at, ahead),
        refresh if isinstance(refresh, str) and refresh else None,
        _grant_ends_at(body, asked_at),
    )


def left_out(answer: Answer, asked: Sequence[str]) -> Evidence | None:
    """A provider leaves out scopes that the client may not have, with the status of success (RFC 6749, 3.3).

    Where it names others than those that were asked for, it calls them by names of its own: nothing is known.
    """
    body = take_apart(answer).body
    said = body.get("scope") if isinstance(body, dict) else None
    granted = set(said.split()) if isinstance(said, str) else set(asked)
    missing = [one for one in asked if one not in granted and one not in _NEVER_REPEATED]
    if not missing or not granted <= set(asked):
        return None
    words = f"the provider left out {', '.join(missing)}: allow this client those scopes there"
    return _evidence(answer, Outcome.PERMISSION_DENIED, "scopes_left_out", words)


def _grant_ends_at(body: Mapping[str, Any], asked_at: datetime) -> datetime | None:
    """No RFC names this; a life of 0 is one without an end."""
    lives = [_life(body.get(name)) for name in _LIVES_OF_REFRESH_TOKENS]
    life = next((life for life in lives if life), None)
    try:
        return None if life is None else (asked_at + life).astimezone(UTC)
    except OverflowError:
        return None


def _life(seconds: Any) -> timedelta | None:
    try:
        return timedelta(seconds=float(seconds))
    except (TypeError, ValueError, OverflowError):
        return None


def _renew_at(expires_in: Any, asked_at: datetime, ahead: timedelta) -> datetime | None:
    life = _life(expires_in)
    if life is None:
        return None
    try:
        return (asked_at + life - min(ahead, life * _LAST_QUARTER)).astimezone(UTC)
    except OverflowError:
        return None


def refusal_of(
    answer: Answer, now: datetime, *, operators_client: bool, secrets: tuple[str, ...]
) -> Evidence | None:
    """Why there is no token; None where there may be one.

    Some providers refuse with status 200, so `error` counts before the status. Where the client is the
    operator's, a refused client is no fault of the customer: reconnecting would not help.
    """
    reading = take_apart(answer)
    error = reading.body.get("error") if isinstance(reading.body, dict) else None
    if isinstance(error, str):
        outcome = _OUTCOMES.get(error) or _by_status(answer)
        if operators_client and error in _OF_THE_CLIENT:
            outcome = Outcome.CONFIGURATION_ERROR
        words = shortened(str(reading.body.get("error_description") or error), secrets)
        return _evidence(answer, outcome, error, words, now)
    if answer.status == _OK and reading.shape is BodyShape.RESULT:
        return None
    code = "html_for_json" if reading.shape is BodyShape.HTML else "unexpected_answer"
    outcome = _by_status(answer)
    if operators_client and outcome is Outcome.CREDENTIALS_REJECTED:
        outcome = Outcome.CONFIGURATION_ERROR
    return _evidence(answer, outcome, code, None, now)


def _by_status(answer: Answer) -> Outcome:
    match answer.status:
        case 401:
            return Outcome.CREDENTIALS_REJECTED
        case 429:
            return Outcome.RATE_LIMITED
        case 404 | 405:
            return Outcome.CONFIGURATION_ERROR
        case _:
            return Outcome.SOURCE_ERROR


def _evidence(
    answer: Answer, outcome: Outcome, code: str, message: str | None, now: datetime | None = None
) -> Evidence:
    return Evidence(
        outcome,
        Operation.LOGIN,
        http_status=answer.status,
        code=code,
        message=message,
        retry_at=answer.retry_at(now) if now is not None and outcome is not Outcome.OK else None,
        duration_ms=answer.duration_ms,
    )
