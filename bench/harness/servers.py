"""Our own servers as processes of their own, off the subjects' core."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BENCH = Path(__file__).parents[1]


@contextmanager
def running_server(script: str) -> Iterator[str]:
    """The address of a subject that prints its port."""
    with subprocess.Popen(
        [sys.executable, str(BENCH / "subjects" / script)],
        env={**os.environ, "PYTHONPATH": str(BENCH)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        if server.stdout is None:
            raise RuntimeError("no output of the server")
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()
