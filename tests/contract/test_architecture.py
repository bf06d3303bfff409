"""docs/architecture.md draws the services as the list of topics has them."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from lineshaft.common.topics import DEAD_LETTERS, TOPICS

PAGE = (Path(__file__).parents[2] / "docs/architecture.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\| (.*) \|$", PAGE, re.MULTILINE))
SERVICES = sorted({name for topic in TOPICS for name in topic.producers})


def named(cell: str) -> set[str]:
    patterns = re.findall(r"`([^`]+)`", cell)
    found = {pattern: [one.name for one in TOPICS if fnmatch(one.name, pattern)] for pattern in patterns}
    assert all(found.values()), found
    return {name for names in found.values() for name in names}


@pytest.mark.parametrize("service", [one for one in SERVICES if one != "users"])
def test_each_service_consumes_and_publishes_what_the_page_says(service: str) -> None:
    consumes, publishes = ROWS[service].split(" | ")
    assert named(consumes) == {one.name for one in TOPICS if service in one.consumers}
    expected = {one.name for one in TOPICS if service in one.producers} - {DEAD_LETTERS.name}
    assert named(publishes) == expected
