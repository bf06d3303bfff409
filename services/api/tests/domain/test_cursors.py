import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.api.domain import cursors
from lineshaft.api.domain.problems import ProblemError


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_what_goes_in_comes_out(place: list[str]) -> None:
    assert cursors.decode(cursors.encode("order", *place), "order", len(place)) == place


@given(st.text(max_size=60))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="cursor"):
        cursors.decode(text, "order", 1)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(ProblemError):
        cursors.decode(cursors.encode("issues", "1"), "errors", 1)
    with pytest.raises(ProblemError):
        cursors.decode(cursors.encode("issues", "1"), "issues", 2)
