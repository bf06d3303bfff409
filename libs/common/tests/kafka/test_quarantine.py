"""When a connection is paused for its bad data, and when it is not its data."""

import pytest

from lineshaft.common.kafka.quarantine import FIRST_PAUSE, LIMIT, LONGEST_PAUSE, WINDOW, Quarantine, scope_of
from lineshaft.common.kafka.record import Record


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quarantine(clock: Clock) -> Quarantine:
    return Quarantine(clock=clock)


def paused(quarantine: Quarantine, *scopes: str) -> None:
    for scope in scopes:
        assert quarantine.failed(scope, LIMIT)


def test_a_few_bad_records_pause_nobody(quarantine: Quarantine) -> None:
    for _ in range(LIMIT - 1):
        assert not quarantine.failed("a")
    assert not quarantine.holds("a")


def test_bad_records_that_come_slowly_pause_nobody(quarantine: Quarantine, clock: Clock) -> None:
    for _ in range(10 * LIMIT):
        assert not quarantine.failed("a")
        clock.now += WINDOW / (LIMIT - 2)


def test_many_pause_their_connection_alone(quarantine: Quarantine) -> None:
    paused(quarantine, "a")
    assert quarantine.holds("a")
    assert not quarantine.holds("b")
    assert not quarantine.holds(None)
    assert not quarantine.at_fault


def test_after_the_pause_one_record_decides(quarantine: Quarantine, clock: Clock) -> None:
    paused(quarantine, "a")
    for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
        clock.now += pause - 1
        assert quarantine.holds("a")
        clock.now += 1
        assert not quarantine.holds("a")
        assert quarantine.failed("a")
    clock.now += LONGEST_PAUSE
    assert quarantine.worked(["a"]) == ["a"]
    assert quarantine.quiet
    assert not quarantine.failed("a")


def test_what_its_own_handling_has_paused_is_not_resumed_by_it(quarantine: Quarantine) -> None:
    paused(quarantine, "a")
    assert quarantine.worked(["a"]) == []
    assert quarantine.holds("a")


def test_several_paused_and_nobody_working_is_a_fault_of_ours(quarantine: Quarantine) -> None:
    paused(quarantine, "a", "b")
    assert not quarantine.at_fault
    paused(quarantine, "c")
    assert quarantine.at_fault


def test_pauses_of_different_days_are_not_at_once(quarantine: Quarantine, clock: Clock) -> None:
    for name in "abc":
        paused(quarantine, name)
        assert not quarantine.at_fault
        clock.now += 86_400


def test_several_bad_connections_among_many_good_ones_are_theirs(
    quarantine: Quarantine, clock: Clock
) -> None:
    paused(quarantine, "a")
    quarantine.worked(["d", "e", "f"])
    paused(quarantine, "b", "c")
    assert not quarantine.at_fault
    clock.now += WINDOW + 1
    assert quarantine.at_fault


def test_records_without_a_key_are_nobodys(quarantine: Quarantine) -> None:
    assert not quarantine.failed(None, 10 * LIMIT)
    assert quarantine.quiet


@pytest.mark.parametrize(
    ("key", "scope"), [(b"con_1/asset", "con_1"), (b"con_1", "con_1"), (b"", None), (None, None)]
)
def test_the_key_begins_with_the_connection(key: bytes | None, scope: str | None) -> None:
    assert scope_of(Record("t", 0, 0, key, b"", (), 0)) == scope
