import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.api.domain.keys import ALPHABET, PREFIXES, KeyKind, key_hash, kind_of, new_key


@pytest.mark.parametrize("kind", KeyKind)
def test_a_new_key_is_known_for_what_it_is(kind: KeyKind) -> None:
    key = new_key(kind)
    assert kind_of(key) is kind
    assert key.startswith(PREFIXES[kind])
    assert set(key.partition("_")[2]) <= set(ALPHABET)
    assert new_key(kind) != key
    assert len(key_hash(key)) == 32


@given(st.integers(min_value=4, max_value=52), st.sampled_from(string.ascii_letters + string.digits))
def test_one_wrong_character_is_noticed(place: int, other: str) -> None:
    key = new_key(KeyKind.ADMIN)
    changed = key[:place] + other + key[place + 1 :]
    assert (kind_of(changed) is KeyKind.ADMIN) == (changed == key)


@given(st.text(max_size=80))
def test_anything_else_is_no_key(text: str) -> None:
    assert kind_of(text) is None
    assert kind_of(f"lsa_{text}") is None


def test_a_token_is_no_admin_key_by_another_prefix() -> None:
    token = new_key(KeyKind.CONNECTION)
    assert kind_of("lsa_" + token.removeprefix("lsc_")) is None
