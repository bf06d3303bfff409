"""The checker finds a planted fault of each kind, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.history import History, Line, check


def clean() -> list[Line]:
    return [
        Line("event", "a", "one", 1, "e1"),
        Line("event", "b", "x", 1, "e2"),
        Line("event", "a", "two", 2, "e3"),
        Line("stored", "a", "two", 2),
        Line("stored", "b", "x", 1),
        Line("expected", "a", "two"),
        Line("expected", "b", "x"),
    ]


def test_a_clean_history_has_no_fault() -> None:
    verdict = check(clean())
    assert verdict.faults == {}
    assert verdict.duplicated == []


def test_a_batch_that_a_crash_repeats_is_duplicated_and_no_fault() -> None:
    history = clean()
    history[3:3] = [history[0], history[2]]
    verdict = check(history)
    assert verdict.duplicated == ["a", "a"]
    assert verdict.faults == {}


@pytest.mark.parametrize(
    ("fault", "without", "planted"),
    [
        ("lost", 4, []),
        ("lost", 1, []),
        ("phantom", 6, []),
        ("phantom", None, [Line("event", "c", "x", 1, "e9")]),
        ("conflicting", None, [Line("event", "a", "other", 2, "e3")]),
        ("conflicting", None, [Line("event", "a", "two", 2, "e9")]),
        ("stale", None, [Line("stored", "a", "one", 1)]),
        ("stale", None, [Line("stored", "a", "one", 3), Line("event", "a", "one", 3, "e9")]),
        ("stale", None, [Line("event", "a", "three", 3, "e9")]),
    ],
)
def test_a_planted_fault_is_found(fault: str, without: int | None, planted: list[Line]) -> None:
    history = clean()
    if without is not None:
        del history[without]
    assert set(check([*history, *planted]).faults) == {fault}


def test_an_event_after_a_higher_revision_is_reordered() -> None:
    history = clean()
    history[0], history[2] = history[2], history[0]
    assert check(history).faults == {"reordered": ["a"]}


def test_lines_survive_the_file_and_half_a_line_is_left_out(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.append(clean()[:3])
    history.append(clean()[3:])
    with history.path.open("ab") as file:
        file.write(b'{"kind": "event", "key": "a", "cont')
    assert list(history.read()) == clean()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=30),
    st.data(),
)
def test_any_loss_and_any_stale_row_is_found(updates: list[tuple[str, int]], data: st.DataObject) -> None:
    """Generated: each update raises its key's revision; then one event or row is taken away or put back."""
    history: list[Line] = []
    latest: dict[str, Line] = {}
    for number, (key, content) in enumerate(updates):
        revision = latest[key].revision + 1 if key in latest else 1
        line = Line("event", key, [number, content], revision, f"e{number}")
        history.append(line)
        latest[key] = line
    history += [Line("stored", key, line.content, line.revision) for key, line in latest.items()]
    history += [Line("expected", key, line.content) for key, line in latest.items()]
    assert check(history).faults == {}

    key = data.draw(st.sampled_from(sorted(latest)))
    lost = [line for line in history if (line.kind, line.key) != ("stored", key)]
    assert check(lost).faults == {"lost": [key]}
    stale = [*history, Line("stored", key, "something older", latest[key].revision)]
    assert check(stale).faults == {"stale": [key]}
