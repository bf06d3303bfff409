from pathlib import Path

import pytest

from lineshaft.tools.lints.anatomy import anatomy_problems
from lineshaft.tools.lints.links import link_problems, unlinked_pages
from lineshaft.tools.lints.queries import query_problems
from lineshaft.tools.lints.text import line_problems


@pytest.mark.parametrize(
    "line", ["https://py" + "pi.org/simple", "cd /wo" + "rk/main", "open('/ro" + "ot/x')"]
)
def test_hosts_of_registries_and_machine_paths_are_found(line: str) -> None:
    assert list(line_problems(line))


@pytest.mark.parametrize("line", ["https://example.com/work/1", "a/root/b", "$(ROOT)/work", "pip install x"])
def test_other_text_is_left_alone(line: str) -> None:
    assert not list(line_problems(line))


def test_a_missing_room_is_named(tmp_path: Path) -> None:
    assert "services/api/pyproject.toml: missing; every service has it" in list(anatomy_problems(tmp_path))


def test_queries_are_named_and_used(tmp_path: Path) -> None:
    adapters = tmp_path / "services/one/src/lineshaft/one/adapters"
    adapters.mkdir(parents=True)
    (adapters / "queries.sql").write_text("-- name: used\nselect 1\n-- name: unused\nselect 2\n")
    (adapters / "postgres.py").write_text('SQL["used"]; SQL["absent"]')
    assert [problem.partition(": ")[2] for problem in query_problems(tmp_path)] == [
        "query 'unused' is used nowhere",
        "query 'absent' is used and has no SQL",
    ]


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    page = tmp_path / "guide.md"
    (tmp_path / "other.md").write_text("# Other\n\n## Keys, and `locks`\n", encoding="utf-8")
    good = "[a](other.md) [b](other.md#keys-and-locks) [c](#guide) [d](https://example.com/x)\n"
    page.write_text(f"# Guide\n\n{good}\n```\n[not a link](nowhere.md)\n```\n", encoding="utf-8")
    assert list(link_problems(tmp_path, [page])) == []
    page.write_text("[a](nowhere.md) [b](other.md#doors) [c](guide.md#doors)\n", encoding="utf-8")
    assert list(link_problems(tmp_path, [page])) == [
        "guide.md: nowhere.md: there is no such file",
        "guide.md: other.md#doors: there is no such heading",
        "guide.md: guide.md#doors: there is no such heading",
    ]


def test_a_page_without_a_link_to_it_is_named(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    found, lost, start = docs / "found.md", docs / "lost.md", tmp_path / "README.md"
    start.write_text("[found](docs/found.md#part)", encoding="utf-8")
    for page in (found, lost):
        page.write_text("# A page", encoding="utf-8")
    assert list(unlinked_pages(tmp_path, [start, found, lost])) == ["docs/lost.md: no page has a link to it"]


def test_two_decisions_of_one_number_are_named(tmp_path: Path) -> None:
    decisions = tmp_path / "docs" / "decisions"
    decisions.mkdir(parents=True)
    for name in ("README.md", "0001-one.md", "0002-two.md", "0002-another.md"):
        (decisions / name).touch()
    assert "docs/decisions: 2 pages have the number 0002" in list(anatomy_problems(tmp_path))
