"""What the client makes of answers; against the API itself it runs in tests/e2e/test_guides.py."""

from typing import Any

import httpx
import pytest
import respx

from lineshaft.client import Lineshaft, ProblemError, SyncFailedError, SyncWaitsError, UnreachableError

URL = "http://api.test"
LINK = "http://api.test/reauthorize/abc"
STATUS: dict[str, Any] = {"status": "healthy", "verdict": None, "reauthorize_url": None}
SYNC: dict[str, Any] = {"sync_id": "syn_1", "result": None, "objects": []}


def answered(status: dict[str, Any], *syncs: dict[str, Any]) -> None:
    path = f"{URL}/v1/connections/con_1"
    pages = [httpx.Response(200, json={"data": [one], "next_cursor": None}) for one in syncs]
    respx.get(f"{path}/syncs").mock(side_effect=pages)
    respx.get(f"{path}/status").respond(json=status)


@respx.mock
def test_a_sync_that_somebody_holds_up_is_not_waited_for() -> None:
    verdict = {"summary": "The source refuses the stored credentials.", "action": "Send the link."}
    answered({"status": "reauthorization_required", "verdict": verdict, "reauthorize_url": LINK}, SYNC)
    with Lineshaft(URL, "lsa_x") as lineshaft, pytest.raises(SyncWaitsError) as caught:
        lineshaft.connection("con_1").wait_for_sync("req_1")
    assert str(caught.value).endswith(f"refuses the stored credentials. Send the link. {LINK}")


@respx.mock
def test_a_sync_that_ends_is_given_back_and_one_that_fails_names_its_objects() -> None:
    answered(STATUS, SYNC, SYNC | {"result": "completed"})
    with Lineshaft(URL, "lsa_x") as lineshaft:
        assert lineshaft.connection("con_1").wait_for_sync("req_1")["result"] == "completed"
    objects = [
        {"object": "parts", "result": "failed", "message": "gone"},
        {"object": "assets", "result": "completed"},
    ]
    answered(STATUS, SYNC | {"result": "partially_completed", "objects": objects})
    with (
        Lineshaft(URL, "lsa_x") as lineshaft,
        pytest.raises(SyncFailedError, match="completed: parts: gone"),
    ):
        lineshaft.connection("con_1").wait_for_sync("req_1")


@respx.mock
def test_errors_say_what_the_api_says() -> None:
    route = respx.get(f"{URL}/v1/systems")
    told = {"code": "rate_limited", "detail": "Too many.", "request_id": "req_9", "errors": []}
    route.respond(429, json=told, headers={"Retry-After": "7"})
    with Lineshaft(URL, "lsa_x") as lineshaft, pytest.raises(ProblemError) as caught:
        lineshaft.systems()
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 7.0)
    assert "Too many. (rate_limited, req_9)" in str(caught.value)
    route.mock(side_effect=httpx.ConnectError("refused"))
    with Lineshaft(URL, "lsa_x") as lineshaft, pytest.raises(UnreachableError, match="refused"):
        lineshaft.systems()
