import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lineshaft.tools.stack.spawner import SPAWNER, Command, Process

STOP_SECONDS = 30.0
_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0


class StartError(RuntimeError):
    """A part of the stack did not get ready; the message ends with its last log lines."""


class Child:
    """One supervised process. It keeps its name over restarts, its pid changes."""

    def __init__(self, command: Command, log: Path) -> None:
        self.command = command
        self.log = log
        self.restarts = 0
        self._lock = threading.RLock()
        self._wanted = True
        self._watched = False
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        self._restart_at: float | None = None
        self._process = self._spawn()

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait_until_ready(self, check: Callable[[], bool], seconds: float) -> None:
        """Raise StartError when the process ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not check():
            if not self.running:
                raise StartError(f"{self.name} ended with code {self.exit_code}\n{self.last_log_lines()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} is not ready after {seconds:.0f} s\n{self.last_log_lines()}")
            time.sleep(0.05)
        self._watched = self.command.restarts

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        self.ask_to_stop()
        self.wait_or_kill(seconds)

    def ask_to_stop(self) -> None:
        with self._lock:
            self._wanted = False
            if self.running:
                self._process.send_signal(self.command.stop_signal)
                self._process.send_signal(signal.SIGCONT)

    def wait_or_kill(self, seconds: float) -> None:
        try:
            self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self, *, stay_down: bool = False) -> None:
        """SIGKILL. A child that restarts comes back by itself unless told to stay down."""
        with self._lock:
            self._wanted = self._wanted and not stay_down
            process = self._process
            process.kill()
        process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def start_again(self) -> None:
        """Start a stopped or killed child once more with the same command."""
        with self._lock:
            if self.running:
                return
            self._wanted = True
            self._restart_at = None
            self._process = self._spawn()

    def restart_if_due(self) -> str | None:
        """What was done about an unexpected exit, for people to read."""
        with self._lock:
            if self.running or not (self._wanted and self._watched):
                return None
            now = time.monotonic()
            if self._restart_at is None:
                if now - self._started > _HEALTHY_SECONDS:
                    self._backoff_seconds = _FIRST_BACKOFF_SECONDS
                wait = self._backoff_seconds
                self._restart_at = now + wait
                self._backoff_seconds = min(wait * 2, _LONGEST_BACKOFF_SECONDS)
                return f"ended with code {self.exit_code}, starting again in {wait:g} s"
            if now < self._restart_at:
                return None
            self.restarts += 1
            self.start_again()
            return f"started again as process {self.pid}"

    def last_log_lines(self, count: int = 30) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
        return "\n".join([f"last lines of {self.log}:", *(f"  {line}" for line in lines)])

    def _spawn(self) -> Process:
        self._started = time.monotonic()
        return SPAWNER.spawn(self.command, self.log)
