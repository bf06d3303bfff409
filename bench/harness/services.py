"""Our services as processes of their own, as they run anywhere; the measured one on the subjects' core."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from harness.stack import OTHER_CORES, SUBJECT_CORE, Stack

from lineshaft.tools.stack.ports import free_port

BENCH = Path(__file__).parents[1]
INTEGRATIONS = BENCH / "integrations"
KEYS = "bench:" + base64.b64encode(b"s" * 32).decode()
PREFIX = "bench."
PATIENCE_SECONDS = 60.0

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers HTTP."""

    pid: int
    url: str

    def cpu(self) -> float:
        """Seconds that it has used, user and system."""
        return cpu_seconds(self.pid)

    def profile(self) -> None:
        """From here on; written when the process ends."""
        os.kill(self.pid, signal.SIGUSR1)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def running_service(
    stack: Stack,
    service: str,
    *,
    admin_key: str = "",
    measured: bool = True,
    profile: Path | None = None,
) -> Iterator[Running]:
    port = free_port()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers,
        "LINESHAFT_TOPIC_PREFIX": PREFIX,
        "LINESHAFT_POSTGRES_DSN": stack.dsn(service),
        "LINESHAFT_SECRET_KEYS": KEYS,
        "LINESHAFT_LINK_SIGNING_KEY": "bench-link-key",
        "LINESHAFT_INTEGRATIONS_DIR": str(INTEGRATIONS),
        "LINESHAFT_LOG_LEVEL": "WARNING",
        "LINESHAFT_HTTP_PORT": str(port),
        **({"LINESHAFT_ADMIN_KEY": admin_key} if admin_key else {}),
    }
    asked = {"service": service, "profile": str(profile) if profile else None}
    with running_process("service.py", asked, port, environment, measured=measured) as running:
        yield running


@contextmanager
def running_process(
    script: str,
    asked: dict[str, object],
    port: int,
    environment: dict[str, str] | None = None,
    *,
    measured: bool = True,
) -> Iterator[Running]:
    """A subject that serves HTTP at `port`, once it answers."""
    cores = {SUBJECT_CORE} if measured else OTHER_CORES
    with subprocess.Popen(
        [sys.executable, str(BENCH / "subjects" / script), json.dumps(asked)],
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(BENCH)},
        stdout=subprocess.DEVNULL,
    ) as process:
        os.sched_setaffinity(process.pid, cores)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url)
            yield Running(process.pid, url)
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise TimeoutError(url)
