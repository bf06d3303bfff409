import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.unified import entity_id, join_source_key, split_source_key

PARTS = st.lists(st.text(max_size=20), min_size=1, max_size=4)


def test_an_id_is_the_same_in_every_process() -> None:
    assert entity_id("conn_1", "asset", "42") == "8619a721a32ebf067f4296683b4ebd45"


def test_ids_differ_by_each_of_their_parts() -> None:
    ids = {
        entity_id("conn_1", "asset", "42"),
        entity_id("conn_2", "asset", "42"),
        entity_id("conn_1", "location", "42"),
        entity_id("conn_1", "asset", "43"),
        entity_id("conn_1a", "sset", "42"),
    }
    assert len(ids) == 5


def test_a_single_key_stays_as_it_is() -> None:
    assert join_source_key([5]) == "5"
    assert join_source_key(["a/b"]) == "a/b"


def test_the_parts_of_a_composite_key_are_joined() -> None:
    assert join_source_key(["BEDFORD", 1001]) == "BEDFORD/1001"
    assert join_source_key(["a/b", "50%"]) == "a%2Fb/50%25"


@given(PARTS)
def test_keys_come_apart_again(parts: list[str]) -> None:
    assert split_source_key(join_source_key(parts), len(parts)) == parts


@given(PARTS, PARTS)
def test_different_keys_are_joined_differently(left: list[str], right: list[str]) -> None:
    if len(left) == len(right) and left != right:
        assert join_source_key(left) != join_source_key(right)


def test_a_key_with_too_few_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 parts"):
        split_source_key("1001", 2)
