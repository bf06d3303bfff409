import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.mapping.errors import CoercionError
from lineshaft.common.mapping.expressions import ExpressionError, begin_record, compile_expression
from lineshaft.common.mapping.functions import ExpressionLimitError


@pytest.fixture(autouse=True)
def _another_record() -> None:
    begin_record()


RECORD: dict[str, Any] = {
    "x_abc": None,
    "name": "  Feed Pump ",
    "code": "000123",
    "party": 5,
    "party.": {"id": 5, "rec_name": "ACME"},
    "price": {"__class__": "Decimal", "decimal": "9.80"},
    "quantity": 4.0,
    "start": {"__class__": "date", "year": 2026, "month": 3, "day": 1},
    "changed": "2026-03-01T23:30:00Z",
    "lines": [1, 2],
    "lines.": [{"type": "line", "amount": 2, "unit.": {"symbol": "u"}}, {"type": "comment", "amount": None}],
    "tags": ["b", "a"],
}


def value_of(text: str) -> Any:
    return compile_expression(text).evaluate(RECORD)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x_abc || 'none'", "none"),
        ("@.__class__ || name.__class__.__mro__ || lines[0].__dict__", None),
        ("lower(trim(name))", "feed pump"),
        ("upper(code)", "000123"),
        ("concat(code, '-', party, x_abc)", "000123-5"),
        ("source_key(code, party)", "000123/5"),
        ("source_key(code, nothing)", None),
        ("source_key('a/b', 'c%')", "a%2Fb/c%25"),
        ("replace(code, '0', '')", "123"),
        ("split('a,b', ',')[1]", "b"),
        ("substring(code, `3`, `2`)", "12"),
        ("pad_left(`7`, `4`, '0')", "0007"),
        ("strip_zeros(code)", "123"),
        ("coalesce(x_abc, '', code)", "000123"),
        ("if_else(party == `5`, 'yes', 'no')", "yes"),
        ("boolean('X')", True),
        ("multiply(price, quantity)", Decimal("39.200")),
        ("add(price, '0.20')", Decimal("10.00")),
        ("subtract(price, `1`)", Decimal("8.80")),
        ("divide(price, `0`)", None),
        ("add(`12345678901234567890123456789`, '0.01')", Decimal("12345678901234567890123456789.01")),
        ("divide(`1`, `3`)", Decimal("0.333333333333")),
        ("round(price, `1`)", Decimal("9.8")),
        ("number('12.50')", Decimal("12.50")),
        ("price > `9`", True),
        ("date(start)", "2026-03-01"),
        ("date_in(changed, 'Europe/Berlin')", "2026-03-02"),
        ("timestamp('2026-03-01T12:00:00', 'Europe/Berlin')", "2026-03-01T11:00:00Z"),
        ("add_days(start, `30`)", "2026-03-31"),
        ("days_between(start, '2026-03-11')", 10),
        ("join('/', tags)", "b/a"),
        ("sum(lines[].amount)", Decimal(2)),
        ("avg(lines[].amount)", Decimal(2)),
        ("to_string(tags)", '["b","a"]'),
        ("sort(tags)", ["a", "b"]),
        ("party.rec_name", "ACME"),
        ('"party.".rec_name', "ACME"),
        ("party", 5),
        ("lines", [1, 2]),
        ("lines[?type == 'line'].amount", [2]),
        ("lines[*].unit.symbol", ["u"]),
        ("lines[0].unit.symbol", "u"),
        ("lines[].unit[].symbol", []),
        ("missing.deeper", None),
        ("length(@) > `3`", True),
        ("lower(x_abc)", None),
    ],
)
def test_an_expression_gives_its_value(text: str, value: Any) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "position|[Ee]mpty|Invalid"),
        ("a ||", "position"),
        ("a b", "at position 2"),
        ("a ^ b", "at position 2"),
        ("nope(a)", "there is no function 'nope'; there are"),
        ("a" * 3000, "longer than 2000"),
        ("(" * 500 + "a" + ")" * 500, "more than 400|nested deeper"),
        ("!" * 300 + "a", "nested deeper"),
        ("`word`", "has to be JSON"),
        ("[" + ",".join("a" * 600) + "]", "more than 400 parts"),
    ],
)
def test_a_bad_expression_is_refused_when_compiled(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[@,@]"] * 30),
        " | ".join(["[[@,@],[@,@]][]"] * 19),
        " | ".join(["join('', [to_string(@),to_string(@)])"] * 30),
        " | ".join(["{a:@,b:@}"] * 30),
        "map(&map(&map(&map(&@, n), n), n), n)".replace("n", "`" + str(list(range(60))) + "`"),
        " | ".join(["replace(to_string(@), 'a', 'aaaaaaaaaa')"] * 12),
        "to_string(" + " | ".join(["[@,@]"] * 30) + ")",
        "(" + " | ".join(["[@,@]"] * 20) + ") == (" + " | ".join(["[@,@]"] * 20) + ")",
        "pad_left('x', `999999999`, ' ')",
        "join('" + "x" * 500 + "', split('" + "," * 900 + "', ','))",
    ],
)
def test_nothing_hangs_or_grows_without_bound(text: str) -> None:
    expression = compile_expression(text)
    started = time.process_time()
    with pytest.raises(CoercionError):
        expression.evaluate({"a": "aaaa" * 100})
    assert time.process_time() - started < 1


def test_a_limit_is_told_from_a_misfit() -> None:
    with pytest.raises(ExpressionLimitError):
        compile_expression("replace(name, ' ', '" + "x" * 1900 + "')").evaluate({"name": " " * 99})
    with pytest.raises(CoercionError):
        compile_expression("abs(name)").evaluate(RECORD)


@pytest.mark.parametrize(
    ("text", "paths", "whole"),
    [
        ("x_abc || 'none'", {("x_abc",)}, False),
        ("party.rec_name", {("party", "rec_name")}, False),
        ('"party.".rec_name', {("party", "rec_name")}, False),
        ("concat(a, b.c)", {("a",), ("b", "c")}, False),
        ("lines[?type == 'line'].amount", {("lines", "type"), ("lines", "amount")}, False),
        ("lines[?type == 'line']", {("lines",), ("lines", "type")}, False),
        ("sum(lines[].amount)", {("lines", "amount")}, False),
        ("map(&amount, lines)", {("lines",), ("lines", "amount")}, False),
        ("sort_by(lines, &sequence)[0].amount", {("lines",), ("lines", "sequence")}, False),
        ("a[0].b", {("a", "b")}, False),
        ("{x: a, y: b.c}", {("a",), ("b", "c")}, False),
        ("a.*.b", {("a",)}, False),
        ("a | b", {("a", "b")}, False),
        ("keys(@)", set(), True),
        ("*.b", set(), True),
        ("'const'", set(), False),
    ],
)
def test_what_an_expression_reads_is_known_beforehand(
    text: str,
    paths: set[tuple[str, ...]],
    whole: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    expression = compile_expression(text)
    assert set(expression.paths) == paths
    assert expression.whole is whole


@pytest.mark.parametrize(
    ("text", "place"),
    [("lines[?type == 'line']", ("lines",)), ("a.b", ("a", "b")), ("a || b", None), ("sort_by(a, &b)", None)],
)
def test_the_place_of_the_result(text: str, place: tuple[str, ...] | None) -> None:
    assert compile_expression(text).place == place


ALPHABET = st.sampled_from(
    [*"ab.[]*?@&|!(){},:=<>`'\" 01", "lower", "concat", "to_string", "[@,@]", "map(&", "sort_by("]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=12,
)


@given(st.lists(ALPHABET, max_size=25).map("".join), st.dictionaries(st.sampled_from("ab"), JSON, max_size=2))
def test_no_expression_fails_in_an_unforeseen_way(text: str, record: dict[str, Any]) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    begin_record()
    try:
        expression.evaluate(record)
    except CoercionError:
        return
