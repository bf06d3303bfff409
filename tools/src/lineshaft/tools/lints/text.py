"""No registry host and no path of somebody's machine stands in the repository."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted",
    "registry.npm" + "js",
    "repo1.mav" + "en",
    "deb.debi" + "an.org",
)
_HOST = re.compile("|".join(re.escape(host) for host in _HOSTS) + r"|crates[.]io/|proxy[.]golang")
_MACHINE_PATH = re.compile(r"(?<![\w./$}])/(?:" + "work|ro" + r"ot|home/\w+|Users/\w+)/")
_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".yml",
    ".yaml",
    ".json",
    ".sql",
    ".sh",
    ".html",
    ".xml",
    ".cfg",
    ".in",
    "",
}


def text_problems(root: Path, files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        if path.suffix not in _SUFFIXES:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for problem in line_problems(line):
                yield f"{path.relative_to(root)}:{number}: {problem}"


def line_problems(line: str) -> Iterator[str]:
    if match := _HOST.search(line):
        yield f"names a package registry's host ({match.group(0)})"
    if match := _MACHINE_PATH.search(line):
        yield f"a path of one machine ({match.group(0)})"
