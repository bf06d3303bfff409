"""What a provider of tokens answers, and what that comes to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols.oauth_answers import left_out, refusal_of, token_of
from lineshaft.connector.domain.evidence import SourceFailureError

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
AHEAD = timedelta(seconds=60)


def answer(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 1.0)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code"),
    [
        (400, {"error": "invalid_grant"}, Outcome.CREDENTIALS_REJECTED, "invalid_grant"),
        (200, {"error": "invalid_grant"}, Outcome.CREDENTIALS_REJECTED, "invalid_grant"),
        (401, {"error": "invalid_client"}, Outcome.CREDENTIALS_REJECTED, "invalid_client"),
        (400, {"error": "invalid_scope"}, Outcome.CONFIGURATION_ERROR, "invalid_scope"),
        (400, {"error": "slow_down"}, Outcome.RATE_LIMITED, "slow_down"),
        (400, {"error": "of_our_own"}, Outcome.SOURCE_ERROR, "of_our_own"),
        (401, b"", Outcome.CREDENTIALS_REJECTED, "unexpected_answer"),
        (404, b"<html>", Outcome.CONFIGURATION_ERROR, "html_for_json"),
        (429, b"", Outcome.RATE_LIMITED, "unexpected_answer"),
        (503, b"", Outcome.SOURCE_ERROR, "unexpected_answer"),
        (200, b"<html>", Outcome.SOURCE_ERROR, "html_for_json"),
    ],
)
def test_a_refusal(status: int, body: Any, outcome: Outcome, code: str) -> None:
    found = refusal_of(answer(status, body), NOW, operators_client=False, secrets=())
    assert found is not None
    assert (found.outcome, found.code) == (outcome, code)


@pytest.mark.parametrize("body", [{"error": "invalid_client"}, b""])
def test_the_operators_client_is_not_the_customers_fault(body: Any) -> None:
    found = refusal_of(answer(401, body), NOW, operators_client=True, secrets=())
    assert found is not None
    assert found.outcome is Outcome.CONFIGURATION_ERROR


def test_a_refusal_says_when_and_repeats_no_secret() -> None:
    told = answer(429, {"error": "slow_down", "error_description": "not rt-1234567"}, retry_after="30")
    found = refusal_of(told, NOW, operators_client=False, secrets=("rt-1234567",))
    assert found is not None
    assert found.retry_at == NOW + timedelta(seconds=30)
    assert "rt-1234567" not in str(found.message)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("read write", None),
        ("read", "write"),
        ("", "read, write"),
        (None, None),  # as asked (RFC 6749, 5.1)
        ("https://api.example/read", None),  # another name of the same, perhaps
    ],
)
def test_scopes_that_are_left_out_in_silence(said: str | None, missing: str | None) -> None:
    token = {"access_token": "at"} | ({} if said is None else {"scope": said})
    found = left_out(answer(200, token), ["read", "write", "offline_access"])
    assert (found is None) == (missing is None)
    if found is not None:
        assert (found.outcome, found.code) == (Outcome.PERMISSION_DENIED, "scopes_left_out")
        assert str(found.message).startswith(f"the provider left out {missing}:")


@pytest.mark.parametrize(
    ("expires_in", "renewed_after"),
    [(3600, 3540), ("3600", 3540), (100, 75), (None, None), ("soon", None), (1e300, None)],
)
def test_a_token_is_renewed_ahead_of_its_end(expires_in: Any, renewed_after: float | None) -> None:
    token = token_of(answer(200, {"access_token": "at", "expires_in": expires_in}), NOW, AHEAD)
    assert token.renew_at == (None if renewed_after is None else NOW + timedelta(seconds=renewed_after))
    if renewed_after is not None:
        assert token.ends_soon(NOW + timedelta(seconds=renewed_after))
        assert not token.ends_soon(NOW + timedelta(seconds=renewed_after - 1))


@pytest.mark.parametrize(
    "body", [{}, [], {"access_token": ""}, {"access_token": "at", "token_type": "mac"}, {"access_token": 7}]
)
def test_an_answer_without_a_bearer_token(body: Any) -> None:
    with pytest.raises(SourceFailureError) as failure:
        token_of(answer(200, body), NOW, AHEAD)
    assert failure.value.evidence.code == "unusable_answer"


@pytest.mark.parametrize(
    ("told", "days"),
    [
        ({"refresh_token_expires_in": 86_400 * 30}, 30),
        ({"refresh_expires_in": "864000"}, 10),
        ({"refresh_expires_in": 0}, None),
        ({"refresh_expires_in": "never"}, None),
        ({"refresh_expires_in": 1e300}, None),
        ({}, None),
    ],
)
def test_when_nothing_can_be_renewed_any_more(told: dict[str, Any], days: int | None) -> None:
    token = token_of(answer(200, {"access_token": "at", "refresh_token": "rt", **told}), NOW, AHEAD)
    assert token.grant_ends_at == (None if days is None else NOW + timedelta(days=days))
    assert token.loads(token.dumps()) == token


@pytest.mark.parametrize(
    ("renewed", "fixed"),
    [
        ({}, True),
        ({"refresh_token": "rt-2", "refresh_expires_in": 86_400 * 9}, True),
        ({"refresh_token": "rt-2", "refresh_expires_in": 86_400 * 10}, False),
        ({"refresh_token": "rt-2"}, False),
    ],
)
def test_an_end_that_a_renewal_moves_is_no_end(renewed: dict[str, Any], fixed: bool) -> None:  # noqa: FBT001
    first = {"access_token": "at", "refresh_token": "rt", "refresh_expires_in": 86_400 * 10}
    before = token_of(answer(200, first), NOW, AHEAD)
    assert not before.end_is_fixed
    later = token_of(answer(200, {"access_token": "at-2", **renewed}), NOW + timedelta(days=1), AHEAD)
    token = later.following(before)
    assert token.end_is_fixed == fixed
    assert token.refresh_token == renewed.get("refresh_token", "rt")
