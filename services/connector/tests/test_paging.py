"""How pages go on: none is passed over, and none comes for ever."""

from typing import Any

import orjson
import pytest

from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.protocols.paging import PageRepeatedError, Trail, fingerprint
from lineshaft.connector.domain.evidence import Evidence

from .paged_source import PagedSource
from .sql_source import opened, read_all, refused

OFFSET = {"type": "offset", "parameter": "at", "size_parameter": "size"}
PAGE = {"type": "page", "parameter": "at", "size_parameter": "size"}
CURSOR = {"type": "cursor", "parameter": "at", "size_parameter": "size", "next_path": "next"}
NEXT_URL = {"type": "next_url", "size_parameter": "size", "next_path": "links.next"}
HEADER_LINK = {"type": "header_link", "size_parameter": "size"}
EACH = [OFFSET, PAGE, {**PAGE, "first": 0}, CURSOR, NEXT_URL, HEADER_LINK]
TOLD = [
    {**paging, path: name}
    for paging in (OFFSET, PAGE)
    for path, name in (("total_path", "total"), ("more_path", "more"))
]


async def read_ids(source: PagedSource, limit: int = 100) -> list[int]:
    with source.serving():
        async with opened(source, system=source.manifest()) as adapter:
            found, _ = await read_all(adapter, "things", ["id"], limit=limit)
    return [one["id"] for one in found]


async def read_evidence(source: PagedSource, limit: int = 100, **listed: Any) -> Evidence:
    with source.serving():
        async with opened(source, system=source.manifest(**listed)) as adapter:
            return await refused(lambda: read_all(adapter, "things", ["id"], limit=limit))


@pytest.mark.parametrize(("limit", "most"), [(1, 10), (2, 10), (7, 10), (200, 20), (100, 100)])
@pytest.mark.parametrize("paging", [*EACH, *TOLD], ids=str)
async def test_all_records_once_whoever_cuts_the_pages(paging: dict[str, Any], most: int, limit: int) -> None:
    source = PagedSource(paging=paging, faults={"most": most}, count=23 if limit < most else 110)
    assert await read_ids(source, limit) == list(range(source.count))


@pytest.mark.parametrize("paging", [OFFSET, PAGE, {**PAGE, "first": 0}], ids=str)
async def test_a_source_that_does_not_know_the_size(paging: dict[str, Any]) -> None:
    own = {name: value for name, value in paging.items() if name != "size_parameter"}
    assert await read_ids(PagedSource(paging=own), 200) == list(range(230))


async def test_a_source_that_has_no_page_behind_the_last_one() -> None:
    source = PagedSource(paging=PAGE, faults={"no_page_behind": True})
    assert await read_ids(source) == list(range(230))
    gone = PagedSource(paging=PAGE, faults={"no_page_behind": True, "gone": {"3": set(range(230))}})
    evidence = await read_evidence(gone)
    assert (evidence.outcome, evidence.http_status) == (Outcome.CONFIGURATION_ERROR, 404)


@pytest.mark.parametrize("paging", TOLD, ids=str)
async def test_where_the_source_tells_the_end_it_is_not_looked_for(paging: dict[str, Any]) -> None:
    source = PagedSource(paging=paging)
    await read_ids(source, 200)
    assert [one.first("at") for one in source.requests] == (
        ["0", "195"] if paging["type"] == "offset" else ["1", "2", "1"]
    )


@pytest.mark.parametrize("paging", TOLD, ids=str)
async def test_an_empty_page_is_no_end_where_there_is_said_to_be_more(paging: dict[str, Any]) -> None:
    source = PagedSource(paging=paging, faults={"empty": "0" if paging["type"] == "offset" else "1"})
    evidence = await read_evidence(source)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")


@pytest.mark.parametrize("paging", TOLD, ids=str)
async def test_what_should_tell_the_end_has_to_be_there(paging: dict[str, Any]) -> None:
    named = {name: "elsewhere" if name.endswith("_path") else value for name, value in paging.items()}
    evidence = await read_evidence(PagedSource(paging=named))
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")
    assert "elsewhere" in (evidence.message or "")


@pytest.mark.parametrize(
    ("paging", "answer"),
    [
        (CURSOR, {"next": {"after": 5}}),
        (CURSOR, {"next": 1.5}),
        (CURSOR, {"next": True}),
        ({"type": "next_url", "next_path": "links"}, {"links": {"next": "/things?page=2"}}),
        ({"type": "offset", "parameter": "at", "total_path": "total"}, {"total": -1}),
    ],
    ids=str,
)
async def test_what_is_no_place_is_not_taken_for_the_end(
    paging: dict[str, Any], answer: dict[str, Any]
) -> None:
    source = PagedSource(paging=paging, faults={"answer": (200, {"data": [{"id": 1}], **answer})})
    evidence = await read_evidence(source)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")


async def test_a_setting_in_an_address_stays_one_part_of_it() -> None:
    source = PagedSource(paging=CURSOR, count=1)
    system = source.manifest(resource="/orgs/{org}/things")
    with source.serving():
        async with opened(source, system=system, org="plant 7/../8") as adapter:
            await adapter.read("things", ["id"], None, 5)
    (asked,) = source.requests
    assert asked.target.startswith("/api/v1/orgs/plant%207%2F..%2F8/things?")


@pytest.mark.parametrize("end", [None, "", False])
async def test_ways_to_say_that_there_is_no_next_page(end: Any) -> None:
    source = PagedSource(paging=CURSOR, count=1, faults={"answer": (200, {"data": [{"id": 0}], "next": end})})
    assert await read_ids(source, 20) == [0]


@pytest.mark.parametrize("paging", [OFFSET, PAGE, CURSOR], ids=str)
async def test_a_source_that_passes_over_the_place_is_noticed(paging: dict[str, Any]) -> None:
    source = PagedSource(paging=paging, faults={"ignored": True})
    evidence = await read_evidence(source)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "page_repeated")
    assert len(source.requests) < 5


@pytest.mark.parametrize("paging", [CURSOR, NEXT_URL, HEADER_LINK], ids=str)
async def test_places_that_go_round_are_noticed(paging: dict[str, Any]) -> None:
    source = PagedSource(paging=paging, faults={"cycle": {"": "50", "50": "100", "100": "50"}})
    evidence = await read_evidence(source, 50)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "page_repeated")
    assert len(source.requests) < 10


@pytest.mark.parametrize("length", [1, 2, 3, 17])
@pytest.mark.parametrize("turning", ["place", "page"])
def test_a_cycle_is_found_whatever_its_length(length: int, turning: str) -> None:
    def go_round() -> None:
        trail = Trail()
        for number in range(length * 8):
            turn = number % length
            page, place = (f"page-{turn}", number) if turning == "page" else (f"page-{number}", turn)
            trail = trail.past(page, place)

    with pytest.raises(PageRepeatedError):
        go_round()


def test_a_straight_way_is_none() -> None:
    trail = Trail()
    for number in range(100):
        trail = trail.past(f"page-{number}", number)
    empty = Trail()
    for number in range(100):
        empty = empty.past(None, number)


def test_what_a_source_makes_up_for_each_answer_does_not_make_a_page_new() -> None:
    def page(signature: str, *ids: int) -> str | None:
        records = [orjson.dumps({"picture": f"https://x/?{signature}", "id": one}) for one in ids]
        return fingerprint(records, ["id"])

    assert page("a", 1, 2, 3) == page("b", 1, 2, 3)
    assert len({page("a", 1, 2, 3), page("a", 1, 2), page("a", 2, 3), page("a", 1, 3, 4), None}) == 5
    assert fingerprint([], ["id"]) is None
    assert fingerprint([b'{"name":1}'], ["id"]) != fingerprint([b'{"name":2}'], ["id"])


@pytest.mark.parametrize(
    "link",
    [
        "http://elsewhere.example/api/v1/things?at=100",
        "http://127.0.0.1:9/api/v1/things?at=100",
        "//elsewhere.example/api/v1/things?at=100",
        "/api/v10/things?at=100",
        "../../other?at=100",
        "http://[bad/api/v1/things",
    ],
)
@pytest.mark.parametrize("paging", [NEXT_URL, HEADER_LINK], ids=str)
async def test_a_link_that_leads_away_is_not_followed(paging: dict[str, Any], link: str) -> None:
    source = PagedSource(paging=paging, faults={"link": link})
    evidence = await read_evidence(source)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "unusable_answer")
    assert "?" not in (evidence.message or ""), "what follows may hold a token"
    assert len(source.requests) == 1


@pytest.mark.parametrize(
    ("gone", "again"),
    [({3}, 0), ({95, 96}, 0), ({95, 96, 97, 98, 99}, 1), (set(range(60)), 1), (set(range(40, 100)), 1)],
    ids=["one", "two of the overlap", "the overlap", "many before", "many up to the overlap"],
)
async def test_records_that_go_between_two_pages_let_none_slip_through(gone: set[int], again: int) -> None:
    source = PagedSource(paging=OFFSET, faults={"gone": {"95": gone}})
    found = await read_ids(source)
    assert set(found) == set(range(230))
    assert len(source.requests) <= 5 + again


@pytest.mark.parametrize("gone", [{3}, {95, 96}, {95, 96, 97, 98, 99}, set(range(60)), set(range(40, 100))])
@pytest.mark.parametrize("place", ["2", "3", "4"])
async def test_where_pages_are_counted_none_slips_through_either(gone: set[int], place: str) -> None:
    source = PagedSource(paging=PAGE, faults={"gone": {place: gone}})
    found = await read_ids(source)
    assert set(found) >= {one["id"] for one in source.rows}
    assert set(found) <= set(range(230))


@pytest.mark.parametrize("paging", [OFFSET, PAGE], ids=str)
async def test_records_that_come_in_no_order_end_the_read_as_a_failure(paging: dict[str, Any]) -> None:
    """Each page is another one, and none begins with what the one before ended with."""
    source = PagedSource(paging=paging, faults={"shuffled": True}, count=2_000)
    evidence = await read_evidence(source)
    assert (evidence.outcome, evidence.code) == (Outcome.SOURCE_ERROR, "pages_shift")
    assert len(source.requests) < 60


@pytest.mark.parametrize(
    "faults",
    [{"cycle": {"": "50", "50": "50"}}, {"ignored": True}],
    ids=["a place", "a page"],
)
async def test_what_was_met_before_is_known_when_a_read_goes_on_elsewhere(faults: dict[str, Any]) -> None:
    source = PagedSource(paging=CURSOR, faults=faults)
    with source.serving():
        async with opened(source, system=source.manifest()) as adapter:
            first = await adapter.read("things", ["id"], None, 100)
        stored = orjson.loads(orjson.dumps(first.cursor))
        async with opened(source, system=source.manifest()) as adapter:
            evidence = await refused(lambda: adapter.read("things", ["id"], stored, 100))
    assert evidence.code == "page_repeated"


async def test_a_filter_that_is_passed_over_is_noticed_by_a_field_within_a_record() -> None:
    changed = {"field": "meta.changed", "parameter": "since", "overlap_s": 60}
    source = PagedSource(paging=OFFSET)
    with source.serving():
        async with opened(source, system=source.manifest(cursor=changed)) as adapter:
            _, cursor = await read_all(adapter, "things", ["id"], limit=100)
            evidence = await refused(lambda: adapter.read("things", ["id"], cursor, 100))
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, "filter_ignored")
