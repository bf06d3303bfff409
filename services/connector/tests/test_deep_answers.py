"""An answer nested without an end is the source's fault, and is told as that."""

import pytest

from lineshaft.common.outcomes import Operation, Outcome
from lineshaft.connector.adapters.http import Answer
from lineshaft.connector.adapters.protocols import odoo_answers, tryton_answers
from lineshaft.connector.domain.classification import BodyShape

from .erpnext_source import ErpNext
from .fiix_source import FiixSource
from .maintainx_source import MaintainX
from .maximo_source import MaximoSource
from .odoo_json2_source import OdooJson2Source
from .simulated import Response, Simulated
from .sql_source import opened, refused

DEEP = b"[" * 5000 + b"]" * 5000
BODIES = {
    "nothing else": DEEP,
    "never closed": b"[" * 5000,
    "in a record": b'[{"data":' + DEEP + b"}]",
    "in place of a list": b'{"data":' + DEEP + b',"workOrders":' + DEEP + b',"member":' + DEEP + b"}",
}
SOURCES: dict[str, tuple[type[Simulated], str]] = {
    "erpnext": (ErpNext, "AssetRepair"),
    "fiix": (FiixSource, "Assets"),
    "maintainx": (MaintainX, "workOrders"),
    "maximo": (MaximoSource, "workOrders"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("name", SOURCES)
async def test_a_page(name: str, body: bytes) -> None:
    kind, object_name = SOURCES[name]
    source = kind(faults={"answer": (200, body, {"content-type": "application/json"})})
    with source.serving():
        async with opened(source) as adapter:
            evidence = await refused(lambda: adapter.read(object_name, [], None))
    assert (evidence.outcome, evidence.operation) == (Outcome.SOURCE_ERROR, Operation.READ)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_page_of_odoo(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = OdooJson2Source()
    with source.serving():
        async with opened(source) as adapter:
            monkeypatch.setattr(source, "answer", lambda _: Response(200, body))
            evidence = await refused(lambda: adapter.read("purchase.order", ["name"], None))
    assert evidence.outcome is Outcome.SOURCE_ERROR


@pytest.mark.parametrize("place", ["result", "error", "other"])
@pytest.mark.parametrize("protocol", [odoo_answers, tryton_answers])
def test_an_answer_of_rpc(protocol: object, place: str) -> None:
    answer = Answer(200, {}, f'{{"jsonrpc":"2.0","{place}":'.encode() + DEEP + b"}", 1.0)
    reading = protocol.take_apart(answer)  # type: ignore[attr-defined]
    assert reading.shape is BodyShape.OTHER
