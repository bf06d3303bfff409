from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from lineshaft.notifier.domain.lanes import Lanes


@dataclass(frozen=True)
class Item:
    endpoint_id: str
    number: int


def test_a_full_lane_holds_up_nobody_else() -> None:
    lanes: Lanes[Item] = Lanes(2)
    lanes.add([Item("slow", number) for number in range(10)])
    assert len(lanes.start()) == 2
    lanes.add([Item("quick", 0)])
    assert lanes.start() == [Item("quick", 0)]
    assert lanes.taken() == {"slow": 10, "quick": 1}
    lanes.finish("slow")
    assert lanes.start("slow") == [Item("slow", 2)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from("abc")),
            st.tuples(st.just("start"), st.sampled_from([None, *"abc"])),
            st.tuples(st.just("finish"), st.sampled_from("abc")),
        ),
        max_size=60,
    ),
    st.integers(1, 3),
)
def test_nothing_is_lost_and_no_lane_is_wider_than_allowed(steps: list[tuple[str, str]], width: int) -> None:
    lanes: Lanes[Item] = Lanes(width)
    running: Counter[str] = Counter()
    added: list[Item] = []
    started: list[Item] = []
    for number, (step, name) in enumerate(steps):
        if step == "add":
            added.append(Item(name, number))
            lanes.add([added[-1]])
        elif step == "start":
            for item in lanes.start(name):
                running[item.endpoint_id] += 1
                started.append(item)
        elif running[name]:
            running[name] -= 1
            lanes.finish(name)
        assert all(count <= width for count in running.values())
    for name in "abc":
        mine = [item for item in started if item.endpoint_id == name]
        assert mine == [item for item in added if item.endpoint_id == name][: len(mine)]
    assert sorted(map(repr, started + lanes.drain())) == sorted(map(repr, added))
    assert lanes.taken() == {name: count for name, count in running.items() if count}
