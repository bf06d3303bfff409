"""The Fiix adapter against a simulator that checks every signature."""

import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.protocols.fiix_requests import signature
from lineshaft.connector.domain.protocol import WriteOperation

from .fiix_source import FIELDS, FiixSource
from .fiix_source import refused as refusal
from .sql_source import opened, read_all, refused, rows

NAMES = list(FIELDS)
KEYS = "signatureMethod=HmacSHA256&signatureVersion=1"


@pytest.fixture
def source() -> Iterator[FiixSource]:
    simulated = FiixSource()
    for number in range(1, 251):
        simulated.put(number, 1000 + number, bolIsSite=1 if number % 50 == 0 else (0, None)[number % 2])
    with simulated.serving():
        yield simulated


@pytest.mark.parametrize(
    ("url", "secret", "signed"),
    [
        (
            f"https://plant.macmms.com/api/?service=cmms&appKey=macmmsackp1&accessKey=macmmsaakp2&{KEYS}",
            "macmmsaskp3",
            "9f556980953ff8cd46b69851a3081deb3f7652b63994756f89dbaaa6a80270c4",
        ),
        (
            f"https://northern-mill.macmms.com/api/?service=cmms&appKey=app&accessKey=access&{KEYS}",
            "sécret key/+=",
            "29beef6541789483fe05402772228ae66a3ffe86bfb079f78eba9fdd7e81223d",
        ),
    ],
)
def test_the_signature_is_the_one_that_fiixclient_makes(url: str, secret: str, signed: str) -> None:
    """Recorded from fiixclient 1.1.2."""
    assert signature(url, secret) == signed


async def test_a_signed_request_and_one_with_another_key_or_clock(source: FiixSource) -> None:
    source.clock_ms = int(time.time() * 1000)
    async with opened(source) as adapter:
        assert (await adapter.verify()).account_id == f"http://127.0.0.1:{source.port}"
        source.clock_ms -= 3_600_000
        late = await refused(adapter.verify)
    source.clock_ms = 0
    async with opened(source, secret_key="another") as adapter:
        wrong = await refused(adapter.verify)
    for evidence in (late, wrong):
        assert (evidence.outcome, evidence.http_status) == (Outcome.CREDENTIALS_REJECTED, 200)
        assert evidence.confidence == "low", "Fiix does not publish what its refusals mean"
        assert evidence.message == "the request is not authorized"


@pytest.mark.parametrize(("limit", "most"), [(100, 100), (100, 30), (1000, 100), (7, 100)])
async def test_all_records_once_whoever_cuts_the_pages(source: FiixSource, limit: int, most: int) -> None:
    source.faults = {"most": most}
    async with opened(source) as adapter:
        assets, _ = await read_all(adapter, "Assets", NAMES, limit=limit)
        sites, _ = await read_all(adapter, "Sites", NAMES, limit=limit)
    assert [one["id"] for one in sites] == [50, 100, 150, 200, 250]
    assert sorted(one["id"] for one in assets + sites) == list(range(1, 251))


async def test_an_empty_page_is_not_the_end_while_there_are_said_to_be_more(source: FiixSource) -> None:
    async with opened(source) as adapter:
        source.faults = {"answer": (200, {"objects": [], "totalObjects": 250})}
        at_once = await refused(lambda: adapter.read("Assets", NAMES, None, 100))
        source.faults = {}
        first = await adapter.read("Assets", NAMES, None, 100)
        source.faults = {"answer": (200, {"objects": [], "totalObjects": 250})}
        later = await refused(lambda: read_all(adapter, "Assets", NAMES, first.cursor, limit=100))
    for evidence in (at_once, later):
        assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")


async def test_a_record_that_goes_between_two_pages_lets_none_slip_through(source: FiixSource) -> None:
    async with opened(source) as adapter:
        first = await adapter.read("Assets", NAMES, None, 100)
        for number in (3, 4, 5):
            del source.assets[number]
        later, _ = await read_all(adapter, "Assets", NAMES, first.cursor, limit=100)
    found = {one["id"] for one in rows(first) + later}
    assert {number for number, one in source.assets.items() if not one["bolIsSite"]} <= found


async def test_what_changed_while_a_read_went_on_is_in_the_next_one(source: FiixSource) -> None:
    async with opened(source) as adapter:
        first = await adapter.read("Assets", NAMES, None, 100)
        source.put(3, 5000, strName="Changed behind the read")
        source.put(249, 5001, strName="Changed before it came")
        _, cursor = await read_all(adapter, "Assets", NAMES, first.cursor, limit=100)
        second, cursor = await read_all(adapter, "Assets", NAMES, cursor, limit=100)
        assert {3, 249} <= {one["id"] for one in second}
        third, cursor = await read_all(adapter, "Assets", NAMES, cursor, limit=100)
        source.put(7, 5002, strName="Changed later")
        fourth, cursor = await read_all(adapter, "Assets", NAMES, cursor, limit=100)
        assert 7 in {one["id"] for one in fourth}
        assert len(third) < 10, "what was read twice is left alone"
        source.faults = {"filter_ignored": True}
        ignored = await refused(lambda: adapter.read("Assets", NAMES, cursor, 100))
    assert (ignored.outcome, ignored.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")


@pytest.mark.parametrize(("told", "seconds"), [(90_000, 90), (0, 0), (10**30, 24 * 3600)])
async def test_too_many_requests_say_how_long_to_wait(source: FiixSource, told: int, seconds: int) -> None:
    wait = {"P_CLIENT_AUTO_RETRY_WAIT_ADVISORY_MS": told}
    answer = refusal("SERVER_REQUEST_RECEIVE", "throttled", 1100, **wait)
    source.faults = {"answer": (answer.status, answer.body)}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("Assets", NAMES, None))
    assert evidence.outcome is Outcome.RATE_LIMITED
    assert evidence.retry_at is not None
    assert seconds - 10 < evidence.retry_at.timestamp() - time.time() < seconds + 5


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal("SERVER_REQUEST_PROCESS", "failed"), Outcome.SOURCE_ERROR),
        (refusal("SERVER_REQUEST_UNPACK", "no such class"), Outcome.CONFIGURATION_ERROR),
    ],
)
async def test_a_refusal_comes_with_the_status_of_success(
    source: FiixSource, answer: Any, outcome: Outcome
) -> None:
    source.faults = {"answer": (answer.status, answer.body)}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("Assets", NAMES, None))
    assert (evidence.outcome, evidence.confidence, evidence.http_status) == (outcome, "low", 200)


@pytest.mark.parametrize(
    "answer", [(200, b"<html></html>"), (200, {"objects": []}), (200, {"totalObjects": 1}), (500, b"")]
)
async def test_answers_that_cannot_be_read(source: FiixSource, answer: Any) -> None:
    source.faults = {"answer": answer}
    async with opened(source) as adapter:
        evidence = await refused(lambda: adapter.read("Assets", NAMES, None))
    assert evidence.outcome is Outcome.SOURCE_ERROR


async def test_an_asset_is_created_changed_read_and_removed(source: FiixSource) -> None:
    async with opened(source) as adapter:
        values = {"strName": "Pump", "intSiteID": 50}
        created = await adapter.write("Assets", WriteOperation.CREATE, None, values)
        await adapter.write("Assets", WriteOperation.UPDATE, created.source_id, {"strName": "Big pump"})
        found = await adapter.find("Assets", NAMES, {"id": created.source_id})
        await adapter.write("Assets", WriteOperation.DELETE, created.source_id, {})
        assert await adapter.find("Assets", NAMES, {"id": created.source_id}) == []
        assert await adapter.find("Assets", NAMES, {"strName": "Pump"}) is None
        gone = await refused(lambda: adapter.write("Assets", WriteOperation.UPDATE, "9999", {"strName": "x"}))
    assert found is not None
    (record,) = map(orjson.loads, found)
    assert (record["strName"], record["intSiteID"]) == ("Big pump", 50)
    assert (gone.outcome, gone.confidence) == (Outcome.INVALID_REQUEST, "low")
