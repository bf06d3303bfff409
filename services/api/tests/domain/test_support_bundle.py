"""The archive: each part twice, bounded, and a page that a human reads first."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import orjson

from lineshaft.api.domain.plain_text import as_text
from lineshaft.api.domain.support_bundle import (
    MOST_PART_BYTES,
    PARTS,
    Part,
    affected_operations,
    archive,
    readme,
)

AT = datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_each_part_is_text_and_json_and_the_page_to_read_first_is_first() -> None:
    rows = [{"at": "2026-07-01", "kind": "sync.completed", "details": {"records": 3}}]
    content = archive({"timeline": Part(rows), "ladder": Part(None)}, "read me", AT)
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        assert bundle.namelist() == [
            "README.txt",
            "timeline.txt",
            "timeline.json",
            "ladder.txt",
            "ladder.json",
        ]
        assert orjson.loads(bundle.read("timeline.json")) == rows
        text = bundle.read("timeline.txt").decode()
        assert text.endswith("at: 2026-07-01\nkind: sync.completed\ndetails:\n  records: 3\n")
        assert "There is nothing." in bundle.read("ladder.txt").decode()


def test_a_part_that_is_too_large_keeps_its_newest_rows() -> None:
    rows = [{"number": number, "message": "x" * 2000} for number in range(2000)]
    content, encoded = Part(rows).bounded()
    assert len(encoded) <= MOST_PART_BYTES < len(orjson.dumps(rows))
    assert content == rows[: len(content)]
    assert len(content) > 100


def test_the_page_to_read_first_says_what_to_do() -> None:
    status: dict[str, Any] = {
        "status": "unreachable",
        "since": "2026-07-01T07:00:00+00:00",
        "verdict": {"summary": "It is down.", "move": "customer", "action": "Open TCP 443."},
        "breaker": {"state": "open", "retry_at": "2026-07-01T08:05:00+00:00"},
    }
    ladder = {"at": "2026-07-01T07:59:00+00:00", "failed_rung": "tcp", "ask": "open TCP 443 from a to b"}
    text = readme("con_1", "tryton", status, ladder, AT)
    for line in (
        "Status: unreachable since 2026-07-01T07:00:00+00:00",
        "What is wrong: It is down.",
        "Whose move it is: customer",
        "What to do: Open TCP 443.",
        "Calls to the source: stopped, the next one at 2026-07-01T08:05:00+00:00",
        "Network ladder of 2026-07-01T07:59:00+00:00: stops at tcp",
        "  open TCP 443 from a to b",
    ):
        assert line in text.splitlines()
    assert all(name in text for name in PARTS)
    healthy = readme("con_1", "tryton", status | {"verdict": None}, None, AT)
    assert "Nothing is known to be wrong." in healthy


def test_which_operations_are_affected() -> None:
    verdict = {"operations": ["read"], "objects": ["parts", "vendors"]}
    assert affected_operations(verdict) == ["read parts", "read vendors"]
    assert affected_operations({"operations": [], "objects": []}) == ["read everything", "write everything"]
    assert affected_operations(None) == []


def test_text_leaves_out_what_is_empty_and_keeps_what_is_not() -> None:
    document = {
        "a_name": None,
        "b": [],
        "c": False,
        "d": 0,
        "e": ["x", "y"],
        "f": {"g": [{"h": 1}, {"h": 2}]},
    }
    assert as_text(document) == "c: no\nd: 0\ne: x, y\nf:\n  g:\n    h: 1\n\n    h: 2\n"
