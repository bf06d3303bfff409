import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def start_time(pid: int) -> str:
    """When the process started, in the system's own notation; empty for none and for a zombie.

    A pid is reused sooner or later; together with the start time it names one process.
    """
    if Path("/proc/self/stat").exists():
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        fields = status.rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def alive(pid: int) -> bool:
    return start_time(pid) != ""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
