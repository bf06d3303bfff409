"""SQL lives in `queries.sql` beside the code that runs it, in blocks that begin with `-- name: <name>`."""

import re
from importlib.resources import files

from lineshaft.common.errors import ConfigurationError

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_queries(package: str, file: str = "queries.sql") -> dict[str, str]:
    """Name to SQL.

    Raises:
        ConfigurationError: a name stands twice, or there is text before the first name.
    """
    head, *parts = _NAME.split(files(package).joinpath(file).read_text(encoding="utf-8"))
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ConfigurationError(f"{package}/{file}: SQL before the first '-- name:'")
    queries: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            raise ConfigurationError(f"{package}/{file}: query {name!r} stands twice")
        queries[name] = body.strip()
    return queries
