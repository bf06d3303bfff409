import base64

import pytest
from starlette.requests import Request

from lineshaft.api.console.notices import COOKIE, Notice, back_to, take


def holding(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())]})


def test_a_notice_comes_back_from_its_cookie() -> None:
    sent = back_to("/console", Notice("failed", "Say why.")).headers["set-cookie"]
    assert take(holding(sent.partition("=")[2].partition(";")[0])) == Notice("failed", "Say why.")


@pytest.mark.parametrize("content", [b"5", b"[1]", b"null", b"no json"])
def test_a_cookie_of_somebody_else_is_no_notice(content: bytes) -> None:
    assert take(holding(base64.urlsafe_b64encode(content).decode())) is None
