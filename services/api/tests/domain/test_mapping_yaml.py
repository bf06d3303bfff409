from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.api.domain.mapping_yaml import MAX_BYTES, from_yaml, to_yaml
from lineshaft.api.domain.problems import ProblemError

TEXT = st.text(max_size=20).filter(str.isprintable)


@given(st.dictionaries(TEXT, st.recursive(TEXT | st.integers() | st.none(), st.lists, max_leaves=5)))
def test_what_is_written_is_read(changes: dict[str, Any]) -> None:
    assert from_yaml(to_yaml(changes).encode()) == changes


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"a: &a [x]\nb: *a", "aliases"),
        (b"[" * 50_000, ""),
        (b"- " * 30_000, ""),
        (b"fields: {name: [", "line 1"),
        (b"!!python/object/apply:os.system [ls]", "constructor"),
        (b"a: 2026-13-45", "month"),
        (b"? [a]\n: b", "unhashable"),
        (b"\xff\xfe\xfd", ""),
        (b"a: \x00", ""),
        (b"just text", "mapping"),
        (b"", "mapping"),
        (b"a" * (MAX_BYTES + 1), "at most"),
    ],
)
def test_hostile_text_is_refused(text: bytes, hint: str) -> None:
    with pytest.raises(ProblemError, match=hint or None) as refused:
        from_yaml(text)
    assert "body" in str(refused.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        changes = from_yaml(text)
    except ProblemError:
        return
    assert isinstance(changes, dict)


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    with pytest.raises(ProblemError) as refused:
        from_yaml(b"fields:\n  name: [1, 2\n")
    assert (
        refused.value.problem.detail
        == "body: is no YAML: line 3, column 1: expected ',' or ']', but got '<stream end>'"
    )
