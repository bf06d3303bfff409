"""Which processes a run started, so that a later run never stops a process of anybody else."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from lineshaft.tools.stack.files import write_atomically
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.process_state import start_time, wait_until

_FILE = "processes.json"
_STOP_SECONDS = 10.0


class StackRunningError(RuntimeError):
    """Another stack of this checkout is running."""


class _Identity(TypedDict):
    pid: int
    started: str


class _Record(TypedDict):
    owner: _Identity
    children: dict[str, _Identity]


class RunRecord:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._claimed = False

    def claim(self) -> None:
        """Take the run's folder, empty, after ending what dead owners left behind.

        Raises StackRunningError when the owner of this name lives.
        """
        for record_file in self._layout.runs.glob(f"*/{_FILE}"):
            layout = self._layout.named(record_file.parent.name)
            record = _read(record_file)
            if record is None:
                # Whoever wrote it may be alive.
                continue
            if _lives(record["owner"]):
                if layout.name == self._layout.name:
                    raise StackRunningError(
                        f"a stack named {layout.name} runs as process {record['owner']['pid']}: stop it first"
                    )
                continue
            _end(record["children"])
            _remove(layout)
        _remove(self._layout)
        self._claimed = True
        self.write({})

    def write(self, pids: Mapping[str, int]) -> None:
        if not self._claimed:
            return
        record: _Record = {
            "owner": _identity(os.getpid()),
            "children": {name: _identity(pid) for name, pid in pids.items()},
        }
        write_atomically(self._layout.run / _FILE, json.dumps(record))

    def release(self) -> None:
        if self._claimed:
            self._claimed = False
            _remove(self._layout)


def _remove(layout: Layout) -> None:
    for folder in layout.folders_of_run:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.parent != layout.runs:
            # Only an empty folder goes: there may be other runs or a cache.
            with contextlib.suppress(OSError):
                folder.parent.rmdir()


def _read(path: Path) -> _Record | None:
    try:
        record: _Record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record


def _identity(pid: int) -> _Identity:
    return {"pid": pid, "started": start_time(pid)}


def _lives(identity: _Identity) -> bool:
    started = start_time(identity["pid"])
    return started != "" and started == identity["started"]


def _end(children: Mapping[str, _Identity]) -> None:
    for send in (signal.SIGTERM, signal.SIGKILL):
        remaining = [identity for identity in children.values() if _lives(identity)]
        for identity in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(identity["pid"], send)
        wait_until(lambda: not any(map(_lives, remaining)), _STOP_SECONDS)  # noqa: B023 - called at once
