import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from lineshaft.tools.stack.accounts import Account, reachable_by

STACK = "stack"
_TMPFS = Path("/dev/shm")  # noqa: S108 - shared memory file system; our folder below it is private


class CheckoutNotFoundError(RuntimeError):
    """No workspace with uv.workspace members was found above this file or the current folder."""


@dataclass(frozen=True)
class Layout:
    """Where a run of the stack keeps its files.

    `var/cache` survives, `var/run/<name>` belongs to one run, `var/logs` holds its logs. Runs with
    different names live side by side and share the cache.
    """

    checkout: Path
    var: Path
    name: str = STACK

    @classmethod
    def discover(cls, name: str = STACK) -> "Layout":
        checkout = find_checkout()
        override = os.environ.get("LINESHAFT_VAR")
        return cls(checkout, Path(override).resolve() if override else checkout / "var", name)

    def named(self, name: str) -> "Layout":
        return replace(self, name=name)

    @property
    def cache(self) -> Path:
        return _made(self.var / "cache")

    @property
    def runs(self) -> Path:
        return _made(self.var / "run")

    @property
    def run(self) -> Path:
        return _made(self.runs / self.name)

    @property
    def logs(self) -> Path:
        return _made(self.var / "logs" if self.name == STACK else self.var / "logs" / self.name)

    @property
    def stack_file(self) -> Path:
        return self.var / "stack.json" if self.name == STACK else self.run / "stack.json"

    def folder_for(self, account: Account | None) -> Path:
        """A folder of this run that `account` can reach, beneath the temporary folder if `var` is private."""
        if account is None or reachable_by(account, self.run):
            return self.run
        return _private(self.temporary_folder) / self.name

    def cache_for(self, account: Account | None) -> Path:
        if account is None or reachable_by(account, self.cache):
            return self.cache
        return _private(self.temporary_folder) / "cache"

    @property
    def fast_folder(self) -> Path:
        """A folder of this run in memory where there is a tmpfs, for databases that only have to be quick."""
        if _TMPFS.is_dir() and os.access(_TMPFS, os.W_OK):
            return _made(_private(_TMPFS / self._key) / self.name)
        return self.run

    @property
    def folders_of_run(self) -> list[Path]:
        """Every place this run may have left files in, its logs apart."""
        return [
            self.runs / self.name,
            self.temporary_folder / self.name,
            _TMPFS / self._key / self.name,
        ]

    @property
    def temporary_folder(self) -> Path:
        return Path(tempfile.gettempdir()) / self._key

    @property
    def _key(self) -> str:
        return "lineshaft-" + hashlib.sha256(str(self.var).encode()).hexdigest()[:12]


def find_checkout() -> Path:
    for start in (Path(__file__).resolve(), Path.cwd() / "here"):
        for folder in start.parents:
            project = folder / "pyproject.toml"
            if project.is_file() and "[tool.uv.workspace]" in project.read_text(encoding="utf-8"):
                return folder
    raise CheckoutNotFoundError(CheckoutNotFoundError.__doc__)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _private(folder: Path) -> Path:
    """Others may pass through, but not list; refuse a folder that somebody else put there first."""
    folder.mkdir(mode=0o711, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not ours")
    folder.chmod(0o711)
    return folder
