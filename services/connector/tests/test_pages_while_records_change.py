"""Whatever comes and goes while a list is read: what was there all the time is read."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import pytest

from lineshaft.connector.adapters.protocols.paging import UnfitPageError, fingerprint, tail_of
from lineshaft.connector.adapters.protocols.window import Window

KEY = ["id"]
SEEDS = range(200)
MOST_REQUESTS = 2_000
MOST_GIVEN_UP = 0.05
"""Of reads in which hardly a request finds what the one before saw."""
Turned = tuple[Sequence[bytes], Window | None]


class Source:
    """Records in the order of their keys; before each request some go and some come."""

    def __init__(self, seed: int, *, comes_last: bool) -> None:
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._comes_last = comes_last
        self._changes = self._chance.randint(0, 20)
        self._ids = [number * 1_000 for number in range(self._chance.randint(0, 120))]
        self.size = self._chance.randint(2, 30)
        self.kept = set(self._ids)

    def page(self, start: int) -> list[bytes]:
        if self._changes:
            self._changes -= 1
            self._change()
        return [orjson.dumps({"id": one}) for one in self._ids[start : start + self.size]]

    def _change(self) -> None:
        chance = self._chance
        gone = set(chance.sample(self._ids, min(len(self._ids), chance.choice([0, 0, 1, 1, 2, 5, 20]))))
        first = max(self._ids, default=0) if self._comes_last else 0
        come = {first + chance.randint(1, 120_000) for _ in range(chance.choice([0, 0, 1, 3]))}
        self.kept -= gone
        self._ids = sorted(set(self._ids) - gone | come)


def read(turn: Callable[[Window], Turned]) -> set[int]:
    found: set[int] = set()
    window: Window | None = Window()
    for _ in range(MOST_REQUESTS):
        records, window = turn(window)
        found |= {orjson.loads(record)["id"] for record in records}
        if window is None:
            return found
        window = Window.parse(orjson.loads(orjson.dumps(window.dump())))
    raise AssertionError("it never ends")


def by_records(source: Source, window: Window) -> Turned:
    return window.by_number(source.page(int(window.position or 0)), source.size, KEY)


def by_pages(source: Source, window: Window) -> Turned:
    number, onward = int(window.position or 0), None
    records = source.page(number * source.size)
    if records:
        ahead = window.onward(number + 1, fingerprint(records, KEY), len(records))
        onward = replace(ahead, tail=tail_of(records, KEY))
    if not window.tail:
        return records, onward
    return window.looked_back(source.page(int(window.before or 0) * source.size), (records, onward), KEY)


@pytest.mark.parametrize(
    ("turned", "comes_last"),
    [(by_records, True), (by_records, False), (by_pages, True)],
    ids=["records, new ones last", "records, new ones anywhere", "pages, new ones last"],
)
def test_what_was_there_all_the_time_is_read(
    turned: Callable[[Source, Window], Turned], *, comes_last: bool
) -> None:
    given_up = 0
    for seed in SEEDS:
        source = Source(seed, comes_last=comes_last)

        def turn(window: Window, source: Source = source) -> Turned:
            return turned(source, window)

        try:
            found = read(turn)
        except UnfitPageError:
            given_up += 1
        else:
            assert source.kept <= found, seed
    assert given_up <= MOST_GIVEN_UP * len(SEEDS)
