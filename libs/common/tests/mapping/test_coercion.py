import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping.cleaning import clean
from lineshaft.common.mapping.coercion import Coercers
from lineshaft.common.mapping.decimals import to_decimal, to_integer
from lineshaft.common.mapping.errors import UNFIT_VALUE
from lineshaft.common.mapping.moments import zone
from lineshaft.common.mapping.plain import to_json
from lineshaft.common.mapping.scalars import to_boolean, to_string
from lineshaft.common.unified import Kind

BERLIN = Coercers(ZoneInfo("Europe/Berlin"))
IN_UTC = Coercers()
TRYTON_TIME = {
    "__class__": "datetime",
    "year": 2026,
    "month": 3,
    "day": 1,
    "hour": 6,
    "minute": 5,
    "second": 4,
    "microsecond": 0,
}
TRYTON_DATE = {"__class__": "date", "year": 2026, "month": 3, "day": 1}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-01T06:05:04Z", "2026-03-01T06:05:04Z"),
        ("2026-03-01T06:05:04+01:00", "2026-03-01T05:05:04Z"),
        ("2026-03-01T06:05:04.5-03:30", "2026-03-01T09:35:04.500000Z"),
        ("2026-03-01 06:05", "2026-03-01T05:05:00Z"),
        ("2026-07-01T06:05:04", "2026-07-01T04:05:04Z"),
        ("20260301T060504Z", "2026-03-01T06:05:04Z"),
        ("2026-03-01", "2026-02-28T23:00:00Z"),
        (TRYTON_TIME, "2026-03-01T06:05:04Z"),
        (TRYTON_DATE, "2026-02-28T23:00:00Z"),
        ("/Date(1795381200000+0060)/", "2026-11-22T21:00:00Z"),
        ("/Date(1795381200000)/", "2026-11-22T20:00:00Z"),
        ("/Date(-1)/", "1969-12-31T22:59:59.999000Z"),
        (datetime(2026, 3, 1, 6, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T04:00:00Z"),
    ],
)
def test_timestamps_come_out_in_utc(value: Any, moment: str) -> None:
    assert BERLIN.scalar(Kind.TIMESTAMP)(value) == moment


OFFSETS = st.sampled_from(["Z", "+00:00", "-00:00", "+01:00", "-05:00", "+14:00", "-11:30", "+05:45"])
DATES = st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%G-W%V-%u"])
TIMES = st.sampled_from(["T%H:%M:%S", " %H:%M:%S", "T%H%M%S", "T%H%M%S.0"])


@given(st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1)), DATES, TIMES, OFFSETS)  # noqa: DTZ001  the offset is added as text
def test_the_short_way_gives_what_the_long_way_gives(
    moment: datetime, day: str, time: str, offset: str
) -> None:
    text = moment.strftime(day + time) + offset
    expected = datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    coerce = Coercers().scalar(Kind.TIMESTAMP)
    coerce(f"2026-03-01T12:00:00{offset}")
    assert coerce(text) == expected


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-01", "2026-03-01"),
        ("20260301", "2026-03-01"),
        ("2026-03-01T23:30:00Z", "2026-03-02"),
        ("2026-03-01T00:00:00Z", "2026-03-01"),
        ("2026-03-01T23:30:00", "2026-03-01"),
        (TRYTON_DATE, "2026-03-01"),
        (TRYTON_TIME, "2026-03-01"),
        ("/Date(1772323200000)/", "2026-03-01"),
        (date(2026, 3, 1), "2026-03-01"),
    ],
)
def test_dates_are_days_of_the_connection(value: Any, day: str) -> None:
    assert BERLIN.scalar(Kind.DATE)(value) == day


@pytest.mark.parametrize(
    "value", ["0000-00-00", "00000000", "0000-00-00 00:00:00", "0000-00-00T00:00:00.000"]
)
@pytest.mark.parametrize("kind", [Kind.DATE, Kind.TIMESTAMP])
def test_noughts_are_no_date(value: str, kind: Kind) -> None:
    assert BERLIN.scalar(kind)(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "0000-01-00",
        "0000-00-00 00:00:01",
        "2026-02-30",
        "2026-13-01T00:00:00Z",
        "2026-03-01T06:05+01Z",
        "2026-03-01T06:05:04Z0",
        "20260301T060504.1Z0",
        "2026-03-01T99:05:04+01:00",
        "0001-01-01T00:30:00+14:00",
        "9999-12-31T23:59:59-14:00",
        1772323200,
        True,
        [],
        {},
        {"__class__": "date", "year": 2026, "month": 2, "day": 30},
        {"__class__": "datetime"},
        "/Date(999999999999999)/",
        "9" * 5000,
    ],
)
@pytest.mark.parametrize("kind", [Kind.DATE, Kind.TIMESTAMP])
def test_what_is_no_time_is_refused(value: Any, kind: Kind) -> None:
    with pytest.raises(UNFIT_VALUE):
        BERLIN.scalar(kind)(value)


def test_a_bare_number_names_the_transforms() -> None:
    with pytest.raises(ValueError, match="epoch_seconds or epoch_milliseconds"):
        IN_UTC.scalar(Kind.TIMESTAMP)(1772323200)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12.50", "12.50"),
        ("0.01", "0.01"),
        (" 7 ", "7"),
        ("007", "7"),
        ("1e3", "1000"),
        ("+5", "5"),
        (5, "5"),
        (-5, "-5"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (Decimal("1.10"), "1.10"),
        ({"__class__": "Decimal", "decimal": "0.01"}, "0.01"),
        ({"__class__": "Decimal", "decimal": "1E+2"}, "100"),
        ("123456789012345678901234567890.12", "123456789012345678901234567890.12"),
        ("9" * 40, "9" * 40),
    ],
)
def test_decimals_stay_exact(value: Any, text: str) -> None:
    assert to_decimal(value) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "1,5",
        "1_000",
        "nan",
        "inf",
        "1e99999999",
        "1e-99999999",
        True,
        [],
        {},
        None,
        float("nan"),
        "9" * 99,
        "1e40",
        "9" * 41,
        "0." + "0" * 60 + "1",
    ],
)
def test_what_is_no_decimal_is_refused(value: Any) -> None:
    with pytest.raises(UNFIT_VALUE):
        to_decimal(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_any_decimal_survives_as_string_decimal_and_tag(number: Decimal) -> None:
    tagged = {"__class__": "Decimal", "decimal": str(number)}
    assert (
        Decimal(to_decimal(str(number)))
        == Decimal(to_decimal(number))
        == Decimal(to_decimal(tagged))
        == number
    )


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_a_float_counts_as_the_digits_it_is_written_with(number: float) -> None:
    if abs(number) > 1e-30 or number == 0:
        assert Decimal(to_decimal(number)) == Decimal(repr(number))


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5), ("5", 5), ("-5", -5), (5.0, 5), ("10.0", 10), (Decimal(3), 3)]
)
def test_whole_numbers(value: Any, number: int) -> None:
    assert to_integer(value) == number


@pytest.mark.parametrize("value", [5.5, "10.5", "x", True, 2**63, "99999999999999999999", None, []])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(UNFIT_VALUE):
        to_integer(value)


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, True),
        (1, True),
        ("X", True),
        ("yes", True),
        ("TRUE", True),
        (0, False),
        ("no", False),
        ("0", False),
    ],
)
def test_booleans(value: Any, truth: bool) -> None:  # noqa: FBT001  a parameter of the test
    assert to_boolean(value) is truth


@pytest.mark.parametrize("value", [2, "maybe", [], None, 0.5])
def test_what_is_no_boolean_is_refused(value: Any) -> None:
    with pytest.raises(UNFIT_VALUE):
        to_boolean(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("000123", "000123"),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        (TRYTON_DATE, "2026-03-01"),
        ({"__class__": "Decimal", "decimal": "0.10"}, "0.10"),
    ],
)
def test_strings_stay_as_written(value: Any, text: str) -> None:
    assert to_string(value) == text


@pytest.mark.parametrize(
    ("value", "hint"), [({}, "path of a value inside"), ([], "a position, or an expression")]
)
def test_a_string_is_no_container(value: Any, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        to_string(value)


def test_tags_inside_json_become_plain() -> None:
    assert to_json({"a": [TRYTON_TIME, {"b": {"__class__": "Decimal", "decimal": "1.0"}}]}) == {
        "a": ["2026-03-01T06:05:04Z", {"b": "1.0"}]
    }
    assert to_json({"__class__": "unheard of", "x": 1}) == {"__class__": "unheard of", "x": 1}


def test_bottomless_json_is_refused_and_cleaned() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper"):
        to_json(deep)
    json.dumps(clean(deep))


def test_what_postgres_cannot_hold_is_cleaned() -> None:
    assert clean({"a\0": ["x\0y", "\ud800", 2**70, 1.5, None, True, Decimal("1.0")]}) == {
        "a": ["xy", "?", str(2**70), 1.5, None, True, "1.0"]
    }


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "a" * 400])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no IANA time zone"):
        zone(name)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["2026-03-01", "/Date(5)/", "1e5"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["__class__", "year", "decimal", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(ANYTHING, st.sampled_from([kind for kind in Kind if kind not in {Kind.LIST, Kind.OBJECT}]))
def test_a_coercion_gives_json_or_one_of_the_known_errors(value: Any, kind: Kind) -> None:
    try:
        result = BERLIN.scalar(kind)(value)
    except UNFIT_VALUE:
        return
    json.dumps(result)
