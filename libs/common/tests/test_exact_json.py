from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common import exact_json

LONG = ["12345678901234567.89", "0.1234567890123456789", "-98765432109876543210.5"]


@pytest.mark.parametrize("digits", [*LONG, "99999999999999999999", "-9223372036854775809", "9" * 40])
def test_a_long_number_goes_through_with_all_of_its_digits(digits: str) -> None:
    content = f'{{"a":[{digits}],"b":"x"}}'.encode()
    assert exact_json.encode(exact_json.decode(content)) == content


@pytest.mark.parametrize("digits", ["1.5", "0.1", "-2.75", "123456789012.345", "0.30000000000000004", "1e5"])
def test_a_number_that_a_float_holds_is_a_float(digits: str) -> None:
    value = exact_json.decode(digits)
    assert type(value) is float
    assert value == float(digits)


@pytest.mark.parametrize("digits", LONG)
def test_a_number_that_no_float_holds_is_a_decimal(digits: str) -> None:
    assert exact_json.decode(digits) == Decimal(digits)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20))
def test_the_value_is_never_another_one(value: Decimal) -> None:
    decoded = exact_json.decode(format(value, "f"))
    assert Decimal(repr(decoded) if isinstance(decoded, float) else decoded) == value


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_was_encoded_is_decoded(value: Any) -> None:
    assert exact_json.decode(exact_json.encode(value)) == value


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"NaN", b'"\xff"', b'"\\ud800"', b"1e999", b"1e-999", b"1e9999999999999999999", b"[" * 9999],
)
def test_anything_else_is_refused_in_one_way(content: bytes) -> None:
    with pytest.raises(ValueError):
        exact_json.decode(content)


@pytest.mark.parametrize("digits", ["0e-99999", f"0.{'0' * 20_000}", f"1.{'1' * 20_000}", "9" * 200_000])
def test_a_number_that_postgres_could_not_hold_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        exact_json.decode(digits)


def test_what_json_has_no_form_for_is_left_to_the_caller() -> None:
    long = 10**30
    assert orjson.loads(exact_json.encode({"a": {1}, "b": [long]}, default=list)) == {"a": [1], "b": [1e30]}
    with pytest.raises(TypeError):
        exact_json.encode({"a": {1}})
