from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.api.domain.mapping_yaml import MAX_BYTES, from_yaml, to_yaml
from lineshaft.api.domain.problems import ProblemError

TEXT = st.text(max_size=20).filter(str.isprintable)
NUMBER_LIKE = st.text(alphabet="0123456789.:-+_eExoTZ", max_size=8)


@given(
    st.dictionaries(
        TEXT,
        st.recursive(
            TEXT | NUMBER_LIKE | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
            st.lists,
            max_leaves=5,
        ),
    )
)
def test_what_is_written_is_read(changes: dict[str, Any]) -> None:
    assert from_yaml(to_yaml(changes).encode()) == changes


@pytest.mark.parametrize(
    "code",
    ["0010", "10", "1.10", "12:30", "0x1E", "1e3", "1_000", "yes", "NO", "on", "~", "true", "2026-01-01"],
)
def test_codes_are_what_was_written(code: str) -> None:
    changes = {"value_maps": {"m": {code: "x"}}}
    assert from_yaml(f"value_maps: {{m: {{{code}: x}}}}".encode()) == changes
    assert from_yaml(to_yaml(changes).encode()) == changes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0010", "0010"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("no", "no"),
        ("1_000", "1_000"),
        ("10", 10),
        ("-1.50", -1.5),
        ("true", True),
        ("null", None),
        ("", None),
    ],
)
def test_values_are_what_they_look_like(text: str, value: Any) -> None:
    assert from_yaml(f"const: {text}".encode()) == {"const": value}
    assert from_yaml(to_yaml({"const": value}).encode()) == {"const": value}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"a: &a [x]\nb: *a", "aliases"),
        (b"[" * 50_000, ""),
        (b"- " * 30_000, ""),
        (b"fields: {name: [", "line 1"),
        (b"!!python/object/apply:os.system [ls]", "constructor"),
        (b"a: 1\na: 2", "the key 'a' is given twice"),
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
