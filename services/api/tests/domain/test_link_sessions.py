from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineshaft.api.domain.link_sessions import (
    MAX_ATTEMPTS,
    STUCK_AFTER,
    LinkSession,
    Refusal,
    SessionState,
    check_redirect_url,
    origin,
    with_code,
)
from lineshaft.api.domain.problems import ProblemError

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_session(**more: Any) -> LinkSession:
    values: dict[str, Any] = {
        "session_id": "lks_1",
        "connection_id": "con_1",
        "system": "tryton",
        "reauthorizes": False,
        "settings": {},
        "login": {},
        "label": "",
        "metadata": {},
        "redirect_url": None,
        "state": SessionState.OPEN,
        "attempts": 0,
        "expires_at": NOW + timedelta(hours=1),
    }
    return LinkSession(**values | more)


@pytest.mark.parametrize(
    ("session", "refusal"),
    [
        (a_session(), None),
        (a_session(expires_at=NOW - timedelta(seconds=1)), Refusal.EXPIRED),
        (a_session(state=SessionState.COMPLETED), Refusal.USED),
        (a_session(state=SessionState.COMPLETED, expires_at=NOW - timedelta(days=1)), Refusal.USED),
        (a_session(attempts=MAX_ATTEMPTS - 1), None),
        (a_session(attempts=MAX_ATTEMPTS), Refusal.TOO_MANY_ATTEMPTS),
        (a_session(attempts=MAX_ATTEMPTS, state=SessionState.VERIFYING), None),
    ],
)
def test_who_may_submit(session: LinkSession, refusal: Refusal | None) -> None:
    assert session.refusal(NOW) is refusal


def test_an_attempt_without_an_answer_is_given_up_after_a_while() -> None:
    session = a_session(state=SessionState.VERIFYING, submitted_at=NOW)
    assert session.pending(NOW + STUCK_AFTER / 2)
    assert not session.pending(NOW + STUCK_AFTER * 2)
    assert not a_session().pending(NOW)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/relative",
        "https://",
        "https://user:secret@product.example.com/",
        "https://product.example.com/#part",
        "https://product.example.com/a b",
        "https://product.example.com/;script-src *",
        "https://[broken",
        "https://product.example.com:port/",
    ],
)
def test_addresses_that_nobody_is_sent_to(url: str) -> None:
    with pytest.raises(ProblemError, match="redirect_url"):
        check_redirect_url(url)


def test_the_code_is_added_to_what_the_address_has() -> None:
    url = check_redirect_url("https://product.example.com:8443/done?tenant=7")
    assert with_code(url, "lcc_x/y") == "https://product.example.com:8443/done?tenant=7&code=lcc_x%2Fy"
    assert with_code("https://product.example.com/done", "c") == "https://product.example.com/done?code=c"
    assert origin(url) == "https://product.example.com:8443"
