"""What the client makes of digits, and of orders that take longer; with the API itself: test_guides.py."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from lineshaft.client import Lineshaft, ProblemError, exact_json
from lineshaft.client import connection as connections

URL = "http://api.test"
LONG = "1234567890123456789012345678901234567890.12"
LADDER = f"{URL}/v1/connections/con_1/diagnose"
OPERATION: dict[str, Any] = {"id": "op_1", "operation": "diagnose", "status": "pending", "problem": None}


@respx.mock
def test_numbers_keep_all_of_their_digits_in_both_directions() -> None:
    raw = f'{{"id": "a", "counter": {LONG}, "many": {2**90}, "short": 0.1, "price": "1.10"}}'
    respx.get(f"{URL}/v1/items/a").respond(text=raw)
    sent = respx.patch(f"{URL}/v1/items/a").respond(json={})
    with Lineshaft(URL, "lsa_x") as lineshaft:
        record = lineshaft.records("items").get("a")
        lineshaft.records("items").update("a", record, idempotency_key="1")
    assert (record["counter"], record["many"]) == (Decimal(LONG), 2**90)
    assert (type(record["short"]), record["short"], record["price"]) == (float, 0.1, "1.10")
    assert sent.calls[0].request.content == raw.replace(" ", "").encode()
    assert sent.calls[0].request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("text", ["1e400", "5e-400", "0.1000000000000000055511151231257827"])
def test_a_number_that_no_float_is_comes_as_decimal(text: str) -> None:
    assert exact_json.decode(text) == Decimal(text)


@respx.mock
def test_a_diagnosis_that_takes_longer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0)
    respx.post(LADDER).respond(202, json=OPERATION)
    done = OPERATION | {"status": "succeeded", "data": {"failed_rung": "tcp"}}
    respx.get(f"{URL}/v1/operations/op_1").mock(
        side_effect=[httpx.Response(200, json=OPERATION), httpx.Response(200, json=done)]
    )
    with Lineshaft(URL, "lsa_x") as lineshaft:
        assert lineshaft.connection("con_1").diagnose()["failed_rung"] == "tcp"
        with pytest.raises(TimeoutError, match="diagnose was not done"):
            lineshaft.connection("con_1").diagnose(seconds=-1)


@respx.mock
def test_one_that_could_not_be_done_says_why() -> None:
    problem = {"code": "not_found", "detail": "there is no such connection", "status": 404}
    respx.post(LADDER).respond(202, json=OPERATION | {"status": "failed", "problem": problem, "data": None})
    with (
        Lineshaft(URL, "lsa_x") as lineshaft,
        pytest.raises(ProblemError) as caught,
    ):
        lineshaft.connection("con_1").diagnose()
    assert (caught.value.status, caught.value.code) == (404, "not_found")
