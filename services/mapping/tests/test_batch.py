from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.kafka.record import Record
from lineshaft.mapping.domain.batch import (
    Batch,
    KeyedPage,
    Result,
    key_page,
    late_pages,
    split_into_batches,
)
from lineshaft.mapping.domain.mappings import Mappings
from lineshaft.mapping.domain.messages import Page, Position, decode
from lineshaft.mapping.domain.records import MAX_DOCUMENT_BYTES, DocumentTooLargeError, Effect, Stored

from .builders import CONNECTION, SYSTEM, a_page, a_system, records_read

NOW = datetime(2026, 3, 2, tzinfo=UTC)
A = {"id": 1, "name": "Pump", "code": "P-1"}
B = {"id": 1, "name": "Feed pump", "code": "P-1"}

SYSTEM_DATA = a_system()
MAPPINGS = Mappings({SYSTEM: SYSTEM_DATA}, 10)


def keyed(page: Page, result: Result | None = None) -> KeyedPage:
    entities = SYSTEM_DATA.entities_for(page.data.object)
    return key_page(
        page,
        MAPPINGS.key_reader(SYSTEM_DATA, page.data.object),
        [MAPPINGS.default(SYSTEM_DATA, entity) for entity in entities],
        (result or Result()).rejected,
    )


def run(pages: list[Page], stored: dict[str, Stored] | None = None) -> Result:
    """Map pages over a store, which is brought up to date."""
    result = Result()
    batch = Batch({} if stored is None else stored, NOW, result)
    for page in pages:
        batch.add(keyed(page, result), frozenset())
    return result


def effects(result: Result, entity: str = "item") -> dict[str, int]:
    return {
        effect.value: count for (_, name, effect), count in result.effects.items() if name == entity and count
    }


def told(result: Result) -> list[tuple[Any, Any]]:
    """Name and revision of each event."""
    documents = [orjson.loads(message.value or b"") for message in result.messages]
    return [(document["name"], document["revision"]) for document in documents]


def test_a_new_record() -> None:
    result = run([a_page([A])])
    (message,) = result.messages
    (row,) = result.rows.values()
    assert effects(result) == {"new": 1}
    assert message.topic == "entities.item"
    assert message.key == f"{CONNECTION}/{row.id}".encode()
    assert message.value == row.document
    assert orjson.loads(row.document) | {"id": row.id} == orjson.loads(row.document)
    assert (row.revision, row.origin.mapping_version, row.source_id) == (1, 1, "1")
    assert result.based_on == {row.id: 0}


def test_two_versions_in_one_batch_are_two_revisions_and_one_row() -> None:
    result = run([a_page([A], sequence=1), a_page([B], sequence=2)])
    assert told(result) == [("Pump", 1), ("Feed pump", 2)]
    (row,) = result.rows.values()
    assert (row.revision, row.origin.read_sequence) == (2, 2)
    assert result.based_on == {row.id: 0}


def test_of_two_with_one_key_in_a_page_the_last_one_counts() -> None:
    assert told(run([a_page([A, B])])) == [("Feed pump", 1)]


def test_the_same_page_again_does_nothing() -> None:
    stored: dict[str, Stored] = {}
    run([a_page([A, {"id": 2}])], stored)
    again = run([a_page([A, {"id": 2}])], stored)
    assert effects(again) == {"unchanged": 2}
    assert not again.messages
    assert not again.rows


def test_a_field_that_is_not_mapped_is_stored_without_an_event() -> None:
    stored: dict[str, Stored] = {}
    before = run([a_page([A])], stored)
    result = run([a_page([A | {"colour": "red"}], sequence=2)], stored)
    assert effects(result) == {"unchanged": 1}
    assert not result.messages
    (row,) = result.rows.values()
    (first,) = before.rows.values()
    assert (row.revision, row.changed_at, row.content_hash) == (1, first.changed_at, first.content_hash)
    assert orjson.loads(row.raw)["colour"] == "red"


def test_a_lower_position_is_dropped() -> None:
    stored: dict[str, Stored] = {}
    run([a_page([B], epoch=2, sequence=5)], stored)
    assert effects(run([a_page([A], epoch=2, sequence=4)], stored)) == {"stale": 1}
    assert effects(run([a_page([A], epoch=1, sequence=9)], stored)) == {"stale": 1}
    assert effects(run([a_page([A], epoch=2, sequence=5)], stored)) == {"changed": 1}


def test_keys_that_a_later_page_held_are_dropped() -> None:
    result = Result()
    Batch({}, NOW, result).add(keyed(a_page([A, {"id": 2}])), frozenset({"1"}))
    assert effects(result) == {"stale": 1, "new": 1}


def test_an_object_can_become_two_entities() -> None:
    result = run([a_page([{"site": "N", "id": 1, "name": "ACME"}], object_name="party")])
    assert {message.topic for message in result.messages} == {"entities.vendor", "entities.person"}
    assert {row.source_id for row in result.rows.values()} == {"N/1"}
    assert len(result.rows) == 2


def test_a_record_that_cannot_be_mapped_leaves_its_neighbours_alone() -> None:
    message = records_read([{"name": "no key"}, {"id": 3, "weight": 111}, A])
    value = (message.value or b"").replace(b"111", b"1e999")
    page = decode(Record(message.topic, 0, 0, message.key, value, message.headers))
    assert isinstance(page, Page)
    result = run([page])
    assert [type(rejected.error).__name__ for rejected in result.rejected] == [
        "NoKeyError",
        "ValidationError",
    ]
    assert effects(result) == {"new": 1}


def test_a_document_that_no_message_holds_is_set_aside_alone() -> None:
    large = {**A, "name": "x" * MAX_DOCUMENT_BYTES}
    result = run([a_page([large, {**A, "id": 2}])])
    assert [type(one.error) for one in result.rejected] == [DocumentTooLargeError]
    assert told(result) == [("Pump", 1)]


def test_a_field_that_does_not_fit_is_null_and_counted() -> None:
    result = run([a_page([A | {"days": "soon"}, A | {"id": 2, "days": "later"}])])
    (count,) = result.errors.all()
    assert (count.entity, count.field, count.count, count.sample) == ("item", "lead_time_days", 2, "later")
    assert [orjson.loads(row.document)["lead_time_days"] for row in result.rows.values()] == [None, None]


def test_a_nul_character_does_not_reach_the_store() -> None:
    result = run([a_page([A | {"name": "Pu\0mp"}])])
    (row,) = result.rows.values()
    assert b"\\u0000" not in row.raw + row.document
    assert orjson.loads(row.raw)["name"] == "Pump"


def test_batches_are_bounded_and_go_forwards() -> None:
    pages = [a_page([{"id": n} for n in range(6)], sequence=sequence) for sequence in (1, 2, 3, 2, 4)]
    sequences = [
        [page.data.read_sequence for page in batch] for batch in split_into_batches(pages, max_records=12)
    ]
    assert sequences == [[1, 2], [3], [2, 4]]
    assert split_into_batches([], 10) == []


def test_late_pages() -> None:
    pages = [keyed(a_page([A], sequence=4)), keyed(a_page([A], sequence=6))]
    late = late_pages(pages, {(CONNECTION, "product"): Position(1, 5)})
    assert [index for index, _ in late] == [0]


versions = st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc")), max_size=12)


@given(versions, st.data())
def test_a_repeat_after_a_crash_tells_the_same(reads: list[tuple[int, str]], data: st.DataObject) -> None:
    pages = [
        a_page([{"id": key, "name": name}], sequence=sequence) for sequence, (key, name) in enumerate(reads)
    ]
    crash = data.draw(st.integers(0, len(pages)))
    stored: dict[str, Stored] = {}
    run(pages[:crash], stored)
    kept = dict(stored)
    first = run(pages[crash:], dict(kept))
    again = run(pages[crash:], stored)
    assert [dict(message.headers)["ce_id"] for message in first.messages] == [
        dict(message.headers)["ce_id"] for message in again.messages
    ]
    assert effects(run(pages, stored)).keys() <= {"stale", "unchanged"}


def test_effects_are_labels() -> None:
    assert {effect.value for effect in Effect} == {"new", "changed", "unchanged", "stale", "deleted"}
