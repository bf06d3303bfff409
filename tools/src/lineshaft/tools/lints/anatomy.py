"""Every service has the same rooms, every decision a number of its own."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SERVICES = ("api", "connector", "health-monitor", "mapping", "notifier")
ROOMS = (
    "pyproject.toml",
    "README.md",
    "Dockerfile",
    "src/lineshaft/{module}/__main__.py",
    "src/lineshaft/{module}/app.py",
    "src/lineshaft/{module}/settings.py",
    "src/lineshaft/{module}/handlers.py",
    "src/lineshaft/{module}/domain/__init__.py",
    "src/lineshaft/{module}/adapters/postgres.py",
    "src/lineshaft/{module}/adapters/queries.sql",
    "src/lineshaft/{module}/adapters/migrations",
    "tests",
)


def anatomy_problems(root: Path) -> Iterator[str]:
    for service in SERVICES:
        for room in ROOMS:
            path = Path("services", service, room.format(module=service.replace("-", "_")))
            if not (root / path).exists():
                yield f"{path}: missing; every service has it"
    numbers = Counter(page.name[:4] for page in (root / "docs" / "decisions").glob("[0-9]*.md"))
    for number, pages in numbers.items():
        if pages > 1:
            yield f"docs/decisions: {pages} pages have the number {number}"
