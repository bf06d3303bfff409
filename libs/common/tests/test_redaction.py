import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.redaction import redacted

SECRET = 'p@ss/"w\\ö rd+1'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        json.dumps({"body": json.dumps({"password": SECRET})}),
        repr({"password": SECRET}),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
    ],
)
def test_a_secret_is_hidden_however_it_was_written(written: str) -> None:
    hidden = redacted(f"you said {written}!", ["", SECRET])
    assert "[redacted]" in hidden
    assert "p@ss" not in hidden
    assert "rd+1" not in hidden
    assert "p%40ss" not in hidden


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), safe=st.booleans())
def test_it_is_hidden_within_base64(before: bytes, after: bytes, *, safe: bool) -> None:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    hidden = redacted(encode(before + SECRET.encode() + after).decode(), [SECRET])
    assert "[redacted]" in hidden


def test_other_words_stay() -> None:
    assert redacted("nothing to see", [SECRET]) == "nothing to see"
