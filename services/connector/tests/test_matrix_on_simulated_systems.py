"""Each simulator, and an OData server that others wrote, in each failure, through the whole connector.

The network fails between them; what a system refuses is what its folder has recorded.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from lineshaft.common.integrations import Catalog
from lineshaft.common.outcomes import Outcome, Scope
from tests.chaos.fault_proxy import FaultProxy

from . import rig as fixtures
from .connected import BringAbout, Connected
from .failures import NETWORK, Failure, endure, one_forbidden, one_missing, rejected
from .odatapy_source import SET, OdatapySource, odatapy_system
from .real_systems import KINDS
from .refusals import recorded_refusal
from .rig import CATALOG, Rig, a_connection_id
from .simulated import Simulated
from .simulators import READ, SIMULATORS

pools, rig = fixtures.pools, fixtures.real_rig

pytestmark = [pytest.mark.integration]

SLOW_SECONDS = 0.02
CUT_AFTER_BYTES = 250
"""The smallest answer is longer."""


def told(outcome: Outcome) -> BringAbout:
    @asynccontextmanager
    async def refusing(connected: Connected[Simulated], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
        connected.source.refusal = recorded_refusal(connected.system.id, outcome)
        assert connected.source.refusal is not None
        try:
            yield
        finally:
            connected.source.refusal = None

    return refusing


@asynccontextmanager
async def set_missing(connected: Connected[OdatapySource], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    connected.speak_of(Catalog({"odatapy": odatapy_system(resource="/Nowhere")}))
    try:
        yield
    finally:
        connected.speak_of(connected.catalog)


REFUSALS: Mapping[str, Failure] = {
    "wrong password": rejected(told(Outcome.CREDENTIALS_REJECTED)),
    "object forbidden": one_forbidden(told(Outcome.PERMISSION_DENIED)),
    "object missing": one_missing(told(Outcome.CONFIGURATION_ERROR)),
}
_ASKS_FOR_NONE = "it asks nobody for a password"
_NOT_RECORDED = "no answer to it is documented"
EXEMPT: Mapping[tuple[str, str], str] = {
    ("odatapy", "wrong password"): _ASKS_FOR_NONE,
    ("odatapy", "object forbidden"): _ASKS_FOR_NONE,
    ("business_central", "object missing"): _NOT_RECORDED,
    ("business_central_online", "object missing"): _NOT_RECORDED,
    ("fiix", "object forbidden"): _NOT_RECORDED,
    ("maintainx", "object missing"): _NOT_RECORDED,
    ("maximo", "object missing"): _NOT_RECORDED,
}
"""A locked account has no answer of its own with any of them."""
OF_ONE_OBJECT = {
    name: replace(NETWORK[name], scope=Scope.ENTITIES) for name in ("cut in mid-answer", "black hole")
}
"""Where one object is all that is read, the monitor blames no more than that."""
FAILURES = {**NETWORK, **OF_ONE_OBJECT, **REFUSALS}
OF_OTHERS = {("odatapy", "object missing"): one_missing(set_missing)}
MATRIX = [(name, failure) for name in (*SIMULATORS, "odatapy") for failure in FAILURES]
NIGHTLY = [one for one in MATRIX if one[1] == "black hole" and one[0] != "odatapy"]
"""Each waits out its timeouts."""
CELLS = [pytest.param(*one, marks=pytest.mark.nightly if one in NIGHTLY else ()) for one in MATRIX]


@asynccontextmanager
async def a_way(rig: Rig, name: str) -> AsyncIterator[Connected[Any]]:
    """To the source, through the proxy, not yet connected."""
    source, catalog, at_fault = _of_others() if name == "odatapy" else _simulated(name)
    with source.serving():
        proxy = FaultProxy("127.0.0.1", source.port, seconds=SLOW_SECONDS, bytes_before_cut=CUT_AFTER_BYTES)
        async with proxy:
            asked = {"objects": [at_fault]}
            way = Connected(rig, source, proxy, a_connection_id(), catalog, asked, at_fault)
            way.speak_of(catalog)
            yield way


def _of_others() -> tuple[OdatapySource, Catalog, str]:
    source = OdatapySource(25)
    for number in range(60):
        source.put(1, f"M-{number:03d}", datetime(2026, 11, 1, tzinfo=UTC), Name="M", Price=Decimal(2))
    return source, Catalog({"odatapy": odatapy_system()}), SET


def _simulated(name: str) -> tuple[Simulated, Catalog, str]:
    return SIMULATORS[name](), CATALOG, CATALOG.system(name).object_of(READ[name])


def test_the_matrix_names_what_there_is() -> None:
    assert set(EXEMPT) <= set(MATRIX)
    assert set(SIMULATORS) == set(CATALOG.systems) - set(KINDS), "the others are real"


@pytest.mark.parametrize(("name", "failure"), CELLS)
async def test_a_system_in_a_failure(
    rig: Rig, name: str, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := EXEMPT.get((name, failure)):
        pytest.skip(f"exempt: {reason}")
    async with a_way(rig, name) as way:
        await endure(way, OF_OTHERS.get((name, failure), FAILURES[failure]), monkeypatch)
