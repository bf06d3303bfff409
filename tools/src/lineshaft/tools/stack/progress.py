import sys
import threading
import time
from typing import TextIO


class Progress:
    """Lines such as `[ 3.2s] kafka     ready on 127.0.0.1:43121`, timed from the start of the run."""

    def __init__(self, output: TextIO | None = None, *, quiet: bool = False) -> None:
        self._output = output
        self._quiet = quiet
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._started

    def say(self, part: str, text: str) -> None:
        if self._quiet:
            return
        with self._lock:
            print(
                f"[{self.elapsed_seconds:5.1f}s] {part:<16} {text}",
                file=self._output or sys.stdout,
                flush=True,
            )

    def building(self, part: str, what: str, usual_seconds: int) -> None:
        """Announce a step that only the first run pays for."""
        self.say(part, f"building {what} (first run only, usually {usual_seconds} s)")
