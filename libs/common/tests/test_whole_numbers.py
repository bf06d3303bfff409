import pytest

from lineshaft.common.whole_numbers import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("07", 7), ("24", 24)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text, most=24) == number


@pytest.mark.parametrize("text", ["", " 7", "-1", "+1", "1.0", "1_0", "25", "007", "²", "٣", "9" * 5000])
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text, most=24) is None
