"""Links lead somewhere, to a file of the repository and a heading that it has; every page has one to it."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_OUTSIDE = ("http://", "https://", "mailto:")


def link_problems(root: Path, files: Iterable[Path]) -> Iterator[str]:
    for page in files:
        if page.suffix == ".md":
            for target in _links(page.read_text(encoding="utf-8")):
                place, _, heading = target.partition("#")
                found = (page.parent / place).resolve() if place else page
                if not found.exists():
                    yield f"{page.relative_to(root)}: {target}: there is no such file"
                elif heading and found.suffix == ".md" and heading not in _headings(found):
                    yield f"{page.relative_to(root)}: {target}: there is no such heading"


def unlinked_pages(root: Path, files: Iterable[Path]) -> Iterator[str]:
    """Pages of `docs` that no other page leads to."""
    pages = [page for page in files if page.suffix == ".md"]
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages
        for target in _links(page.read_text(encoding="utf-8"))
    }
    for page in pages:
        if root / "docs" in page.parents and page.resolve() not in linked:
            yield f"{page.relative_to(root)}: no page has a link to it"


def _links(text: str) -> Iterator[str]:
    for found in _LINK.finditer(_FENCE.sub("", text)):
        if not found["target"].startswith(_OUTSIDE):
            yield found["target"]


@cache
def _headings(page: Path) -> frozenset[str]:
    """As forges make them: lower case, words joined by hyphens, punctuation left out."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return frozenset(
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(text)
    )
