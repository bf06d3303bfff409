"""One of our services by its own entry point; a signal starts its profile, which is written at its end."""

import runpy
import signal
import time
from pathlib import Path

from harness.meter import spec
from harness.profiler import Profiler


def main() -> None:
    asked = spec()
    profiler = Profiler()
    started: list[float] = []

    def start(*_: object) -> None:
        started.append(time.process_time())
        profiler.start()

    signal.signal(signal.SIGUSR1, start)
    try:
        runpy.run_module(f"lineshaft.{asked['service']}", run_name="__main__")
    finally:
        if started and asked["profile"]:
            profiler.stop()
            milliseconds = int((time.process_time() - started[0]) * 1000)
            Path(asked["profile"]).write_text(profiler.text(milliseconds), encoding="utf-8")


if __name__ == "__main__":
    main()
