from datetime import UTC, datetime

import orjson

from lineshaft.mapping.domain.mappings import compile_effective
from lineshaft.mapping.domain.records import MAX_DOCUMENT_BYTES
from lineshaft.mapping.domain.remaps import Behind, remap

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TRACE = b"00-1-2-01"
BY_NAME = compile_effective("item", 1, {"fields": {"name": "name"}})


def behind(raw: dict[str, object]) -> Behind:
    mapped = BY_NAME.compiled.apply("con_1", "1", raw, NOW)
    return Behind(mapped.document["id"], "1", raw, 4, mapped.content_hash, NOW)


def test_changed_content_is_told_and_unchanged_is_not() -> None:
    active = compile_effective("item", 2, {"fields": {"name": "code"}})
    rows = [behind({"name": "Pump", "code": "P-1"}), behind({"name": "Same", "code": "Same"})]
    result = remap("con_1", rows, active, NOW, TRACE)
    assert [orjson.loads(message.value or b"")["name"] for message in result.messages] == ["P-1"]
    assert dict(result.messages[0].headers)["traceparent"] == TRACE
    (changed,) = result.changed
    document = orjson.loads(changed.document)
    assert (changed.known_revision, document["revision"], document["mapping_version"]) == (4, 5, 2)
    assert result.unchanged == [(rows[1].id, 4)]


def test_a_document_that_grows_beyond_a_message_stays_as_it_was() -> None:
    raw = {"name": "x" * (MAX_DOCUMENT_BYTES // 2)}
    twice = {"fields": {"name": "name"}, "custom_fields": {"again": "name"}}
    rows = [behind(raw), behind({"name": "Pump"})]
    result = remap("con_1", rows, compile_effective("item", 2, twice), NOW, TRACE)
    assert result.unchanged == [(rows[0].id, 4)]
    assert [len(message.value or b"") < MAX_DOCUMENT_BYTES for message in result.messages] == [True]
    (failure,) = result.errors.all()
    assert (failure.field, failure.count) == ("*", 1)
