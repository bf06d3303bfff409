"""Up to 7.8 Tryton took calls at `/<database>/`, where the address of later versions answers 405."""

from dataclasses import dataclass, field

import pytest

from lineshaft.common.outcomes import Outcome

from .simulated import Request, Response, Simulated
from .sql_source import opened, read_all, refused

OLD, NEW = "/plant/", "/plant/rpc/"


@dataclass
class Tryton(Simulated):
    serves: str = NEW
    rows: list[int] = field(default_factory=lambda: [1, 2, 3])

    def __post_init__(self) -> None:
        self.system = "tryton"
        self.credentials = {"database": "plant", "username": "reader", "password": "let-me-in"}

    def answer(self, request: Request) -> Response:
        if request.path != self.serves:
            return Response(405, b"<html>", {"content-type": "text/html"})
        method, params = request.json["method"], request.json["params"]
        if method == "common.db.login":
            return Response(200, {"id": 1, "result": [7, "a-session", None]})
        if method.endswith(".search_read"):
            ((_, _, after),) = [one for one in params[0] if one[0] == "id"]
            rows = [{"id": number} for number in self.rows if number > after]
            return Response(200, {"id": 1, "result": rows[: params[2]]})
        return Response(200, {"id": 1, "result": {}})


@pytest.mark.parametrize("serves", [NEW, OLD])
async def test_calls_go_where_the_login_was_taken(serves: str) -> None:
    tryton = Tryton(serves=serves)
    with tryton.serving():
        async with opened(tryton) as adapter:
            assert (await adapter.verify()).account_id == "plant/7"
            parties, _ = await read_all(adapter, "party.party", ["id"], limit=2)
    assert [one["id"] for one in parties] == tryton.rows
    missed = [one for one in tryton.asked("POST") if one.path != serves]
    assert len(missed) == (serves == OLD), "the wrong address is tried once"


async def test_where_neither_is_served_it_is_no_tryton() -> None:
    tryton = Tryton(serves="/elsewhere/")
    with tryton.serving():
        async with opened(tryton) as adapter:
            evidence = await refused(adapter.verify)
    assert (evidence.outcome, evidence.http_status) == (Outcome.CONFIGURATION_ERROR, 405)
