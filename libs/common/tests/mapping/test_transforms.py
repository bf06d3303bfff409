from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping.errors import UNFIT_VALUE
from lineshaft.common.mapping.scalars import to_string
from lineshaft.common.mapping.transforms import TRANSFORMS


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("trim", " a ", "a"),
        ("collapse_spaces", " a \n b ", "a b"),
        ("lower", "AB", "ab"),
        ("upper", "ab", "AB"),
        ("strip_leading_zeros", "000", "0"),
        ("strip_leading_zeros", "0010", "10"),
        ("digits_only", "+49 (40) 1", "49401"),
        ("first_line", "a\nb", "a"),
        ("decimal_comma", "1.234,5", "1234.5"),
        ("decimal_comma", "1\u00a0234,5", "1234.5"),
        ("decimal_comma", 1234.5, "1234.5"),
        ("epoch_seconds", "1772323200", "2026-03-01T00:00:00Z"),
        ("epoch_milliseconds", 1772323200001, "2026-03-01T00:00:00.001000Z"),
        ("negate", "1.50", "-1.50"),
        ("negate", "12345678901234567890123456789012345.5", "-12345678901234567890123456789012345.5"),
        ("cents", "1234567890123456789012345678901", "12345678901234567890123456789.01"),
        ("not", True, "false"),
        ("percent_to_fraction", 75, "0.75"),
        ("cents", 12050, "120.5"),
        ("minutes_to_hours", 100, "1.666666666667"),
        ("seconds_to_hours", 3600, "1"),
        ("seconds_to_minutes", 6000, "100"),
        ("hours_to_minutes", 1.5, "90.0"),
        ("days_to_hours", 2, "48"),
        ("first", ["a", "b"], "a"),
        ("last", ["a", "b"], "b"),
        ("last", "a", "a"),
        ("join_comma", ["a", 1], "a, 1"),
    ],
)
def test_a_transform_does_what_its_meaning_says(name: str, value: Any, result: str) -> None:
    assert to_string(TRANSFORMS[name].apply(value)) == result


def test_lists_may_be_empty() -> None:
    assert TRANSFORMS["first"].apply([]) is None
    assert TRANSFORMS["split_comma"].apply("a,, b ,") == ["a", "b"]


INVERTIBLE = [
    ("decimal_comma", "1234,5"),
    ("epoch_seconds", 1772323200),
    ("epoch_milliseconds", 1772323200123),
    ("negate", "5"),
    ("not", True),
    ("percent_to_fraction", "75"),
    ("cents", "12050"),
    ("minutes_to_hours", "90"),
    ("seconds_to_hours", "7200"),
    ("seconds_to_minutes", "90"),
    ("hours_to_minutes", "1.5"),
    ("days_to_hours", "2"),
]


@pytest.mark.parametrize(("name", "value"), INVERTIBLE)
def test_an_inverse_leads_back(name: str, value: Any) -> None:
    transform = TRANSFORMS[name]
    assert transform.inverse is not None
    back = transform.inverse(transform.apply(value))
    assert (back if isinstance(back, bool) else float(str(back).replace(",", "."))) == (
        value if isinstance(value, bool) else float(str(value).replace(",", "."))
    )


def test_every_numeric_inverse_is_tested() -> None:
    textual = {"trim", "split_comma", "join_comma"}
    invertible = {name for name, transform in TRANSFORMS.items() if transform.inverse is not None}
    assert invertible - textual == {name for name, _ in INVERTIBLE}


ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=3)
)


@given(st.sampled_from(sorted(TRANSFORMS)), ANYTHING)
def test_a_transform_gives_a_value_or_one_of_the_known_errors(name: str, value: Any) -> None:
    transform = TRANSFORMS[name]
    for convert in (transform.apply, transform.inverse):
        try:
            if convert is not None:
                convert(value)
        except UNFIT_VALUE:
            continue
