"""A sampling profiler over CPU time: the line that runs at each tick of it counts.

In contrast to cProfile it does not make small calls look dear, and time spent waiting does not count.
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

SECONDS = 0.001
"""The kernel ticks less often than this on most machines."""
LINES = 25

_ROOTS = [str(Path(place)) + "/" for place in sorted(sys.path, key=len, reverse=True) if place]


class Profiler:
    def __init__(self) -> None:
        self._lines: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        self._inclusive: Counter[str] = Counter()
        self._samples = 0

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def text(self, records: int) -> str:
        """Shares of the CPU time, by line, by function, and by function with what it calls."""
        parts = [f"{self._samples:,} samples over {records:,} records"]
        for title, counts in (
            ("by line", self._lines),
            ("by function", self._functions),
            ("by function, with what it calls", self._inclusive),
        ):
            parts += ["", title]
            parts += [
                f"{count / max(self._samples, 1):7.1%}  {name}" for name, count in counts.most_common(LINES)
            ]
        return "\n".join(parts) + "\n"

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        self._samples += 1
        if frame is not None:
            self._lines[f"{_function(frame)}, line {frame.f_lineno}"] += 1
            self._functions[_function(frame)] += 1
        seen = set()
        while frame is not None:
            seen.add(_function(frame))
            frame = frame.f_back
        self._inclusive.update(seen)


def _function(frame: FrameType) -> str:
    code = frame.f_code
    place = code.co_filename
    root = next((root for root in _ROOTS if place.startswith(root)), "")
    return f"{place.removeprefix(root)}:{code.co_firstlineno} {code.co_qualname}"
