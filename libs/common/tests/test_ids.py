import re
import time
import uuid

from lineshaft.common.ids import derived_id, new_id


def test_new_ids_sort_by_time_and_are_version_7() -> None:
    ids = []
    for _ in range(50):
        ids.append(new_id("con"))
        time.sleep(1e-6)
    assert len(set(ids)) == 50
    assert all(re.fullmatch(r"con_[0-9a-f]{32}", value) for value in ids)
    parsed = uuid.UUID(ids[0].removeprefix("con_"))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert ids == sorted(ids)


def test_derived_ids_keep_their_parts_apart() -> None:
    assert derived_id("evt", "a", 1) == derived_id("evt", "a", 1)
    assert derived_id("evt", "ab", "c") != derived_id("evt", "a", "bc")
