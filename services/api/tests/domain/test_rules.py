"""Lifecycle, status, usability, advice, webhook endpoints."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from lineshaft.api.domain.lifecycle import AFTER, Action, after
from lineshaft.api.domain.problems import DEFAULTS, ProblemCode, ProblemError
from lineshaft.api.domain.refusals import advice_for
from lineshaft.api.domain.status import Known, status_document
from lineshaft.api.domain.usability import pause, require_usable, require_writable
from lineshaft.api.domain.webhook_endpoints import check_url, new_secret
from lineshaft.common.events.commands import CommandProblem
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.outcomes import ConnectionStatus, Outcome, Rung

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KNOWN = Known(
    connection_id="con_1",
    system="tryton",
    lifecycle=Lifecycle.ACTIVE,
    credential_version=2,
    created_at=NOW,
    changed_at=NOW,
    metadata={},
    document=None,
    last_sync_at=None,
    data_as_of=None,
)


def judged(status: str, **more: Any) -> Known:
    document = {
        "status": status,
        "credential_version": 2,
        "since": NOW.isoformat(),
        "verdict": None,
        "objects": [],
        "breaker": {"state": "closed", "retry_at": None, "scopes": []},
    }
    return replace(KNOWN, document=document | more)


@pytest.mark.parametrize("lifecycle", Lifecycle)
@pytest.mark.parametrize("action", Action)
def test_every_action_has_an_answer_in_every_lifecycle(lifecycle: Lifecycle, action: Action) -> None:
    if (lifecycle, action) in AFTER:
        assert after(lifecycle, action, "con_1") is AFTER[lifecycle, action]
    else:
        with pytest.raises(ProblemError):
            after(lifecycle, action, "con_1")


def test_nothing_follows_deletion() -> None:
    assert not [one for one in AFTER if one[0] is Lifecycle.DELETED]


def test_the_status_without_a_verdict() -> None:
    assert KNOWN.status is ConnectionStatus.PENDING
    assert status_document(KNOWN, entity_of={}, reauthorize_url=None)["since"] == NOW


def test_a_verdict_binds_for_its_credentials_and_newer_ones() -> None:
    assert judged("healthy").status is ConnectionStatus.HEALTHY
    assert judged("reauthorization_required", credential_version=1).status is ConnectionStatus.PENDING
    assert judged("healthy", credential_version=3).status is ConnectionStatus.HEALTHY


def test_what_the_vendor_did_comes_before_the_verdict() -> None:
    paused = replace(judged("healthy"), lifecycle=Lifecycle.PAUSED)
    assert paused.status is ConnectionStatus.PAUSED
    assert replace(paused, lifecycle=Lifecycle.DISCONNECTED).status is ConnectionStatus.DISCONNECTED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("reauthorization_required", ProblemCode.REAUTHORIZATION_REQUIRED),
    ],
)
def test_when_the_source_is_not_called(status: str, code: ProblemCode) -> None:
    with pytest.raises(ProblemError) as raised:
        require_usable(judged(status))
    assert raised.value.problem.code is code


@pytest.mark.parametrize("lifecycle", [Lifecycle.PAUSED, Lifecycle.DISCONNECTED])
def test_nothing_is_called_while_the_vendor_wants_nothing_called(lifecycle: Lifecycle) -> None:
    with pytest.raises(ProblemError) as raised:
        require_usable(replace(judged("healthy"), lifecycle=lifecycle))
    assert raised.value.problem.code is ProblemCode.CONFLICT


@pytest.mark.parametrize("status", ["healthy", "degraded", "unreachable", "rate_limited", "pending"])
def test_a_sync_may_wait_for_the_source(status: str) -> None:
    require_usable(judged(status))


def test_an_open_breaker_tells_when_to_come_back() -> None:
    until = (NOW + timedelta(seconds=61)).isoformat()
    known = judged("unreachable", breaker={"state": "open", "retry_at": until, "scopes": []})
    with pytest.raises(ProblemError) as raised:
        require_writable(known, "party.party", NOW)
    assert raised.value.problem.headers == {"Retry-After": "61"}


def test_a_breaker_whose_time_has_come_lets_one_try() -> None:
    until = (NOW - timedelta(seconds=1)).isoformat()
    require_writable(
        judged("unreachable", breaker={"state": "open", "retry_at": until, "scopes": []}), "a", NOW
    )


def test_a_breaker_without_an_end_is_closed_for_now() -> None:
    with pytest.raises(ProblemError) as raised:
        require_writable(
            judged("unreachable", breaker={"state": "open", "retry_at": None, "scopes": []}), "a", NOW
        )
    assert raised.value.problem.headers == {"Retry-After": "30"}


def test_one_broken_object_does_not_stop_the_others() -> None:
    until = (NOW + timedelta(seconds=10)).isoformat()
    closed = {"object": "a", "status": "degraded", "writable": False, "writes_not_before": until}
    open_for_writes = {"object": "b", "status": "degraded", "callable": False, "not_before": until}
    breaker = {"state": "closed", "retry_at": None, "scopes": ["a", "b"]}
    known = judged("degraded", objects=[closed, open_for_writes], breaker=breaker)
    require_writable(known, "b", NOW)
    require_writable(known, "c", NOW)
    with pytest.raises(ProblemError) as raised:
        require_writable(known, "a", NOW)
    assert raised.value.problem.headers == {"Retry-After": "10"}
    require_writable(known, "a", NOW + timedelta(seconds=11))


def test_a_pause_has_bounds() -> None:
    assert pause(NOW - timedelta(days=1), NOW) == 1
    assert pause(NOW + timedelta(days=9), NOW) == 3600


def test_every_outcome_and_rung_has_words() -> None:
    other = advice_for(CommandProblem(code="whatever", message=""), "ERP")
    for outcome in Outcome:
        if outcome not in {Outcome.OK, Outcome.INVALID_REQUEST}:
            advice = advice_for(CommandProblem(code=outcome, message="", outcome=outcome), "ERP")
            assert advice != other, outcome
            assert "{" not in advice.summary + advice.action
    unreachable = {
        advice_for(
            CommandProblem(code="unreachable", message="", outcome=Outcome.UNREACHABLE, rung=rung), "ERP"
        ).summary
        for rung in Rung
    }
    assert len(unreachable) >= 5


def test_every_problem_code_has_a_status_and_a_title() -> None:
    assert set(DEFAULTS) == set(ProblemCode)


def test_secrets_are_those_of_standard_webhooks() -> None:
    secret = new_secret()
    Webhook(secret)
    assert new_secret() != secret


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hook", "https://product.example.com/a?b=c"])
def test_where_a_webhook_may_lead_is_not_decided_here(url: str) -> None:
    assert check_url(url) == url
