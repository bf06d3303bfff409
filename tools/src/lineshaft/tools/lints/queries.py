"""Every named query is used, and every query that is used has a name."""

import re
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_USE = re.compile(r"""(?:QUERIES|SQL|queries|_sql|_SQL)\[\s*f?["'](\w+)["']\s*\]""")


def query_problems(root: Path) -> Iterator[str]:
    for file in sorted(root.glob("services/*/src/lineshaft/*/adapters/queries.sql")):
        named = set(_NAME.findall(file.read_text(encoding="utf-8")))
        code = "\n".join(
            path.read_text(encoding="utf-8") for path in sorted(file.parent.parent.rglob("*.py"))
        )
        where = file.relative_to(root)
        for name in sorted(named):
            if not re.search(rf"""["']{name}["']""", code):
                yield f"{where}: query {name!r} is used nowhere"
        for name in sorted(set(_USE.findall(code)) - named):
            yield f"{where}: query {name!r} is used and has no SQL"
