"""What one process used between two moments. Runs in every subject, so it needs the standard library only."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from harness.profiler import Profiler

MEASURED = "measured: "


def spec() -> dict[str, Any]:
    """What the harness asked of this subject."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    return asked


class Meter:
    """CPU time is user and system time of the whole process, its threads included."""

    def __init__(self, profile: str | None = None) -> None:
        """Args: profile: a file that gets the profile of what is measured."""
        self._profile_file = profile
        self._profile = Profiler() if profile else None

    def start(self) -> None:
        _forget_peak()
        self._idle = memory("VmRSS")
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        if self._profile:
            self._profile.start()

    def cpu(self) -> float:
        """Seconds since the start."""
        return time.process_time() - self._cpu

    def stop(self, records: int, **more: Any) -> None:
        """Tell the harness, as a line of the standard output."""
        if self._profile:
            self._profile.stop()
        cpu, wall = self.cpu(), time.perf_counter() - self._wall
        peak = memory("VmHWM")
        if self._profile and self._profile_file:
            Path(self._profile_file).write_text(self._profile.text(records), encoding="utf-8")
        measured(records, cpu_seconds=cpu, wall_seconds=wall, idle_mb=self._idle, peak_mb=peak, **more)


def measured(records: int, **more: Any) -> None:
    """Tell the harness."""
    print(f"{MEASURED}{json.dumps({'records': records, **more})}", flush=True)


def memory(key: str, process: int | str = "self") -> float:
    """`VmRSS` or `VmHWM` of a process in megabytes."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(key)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
