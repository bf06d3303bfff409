import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lineshaft.tools.stack import launcher
from lineshaft.tools.stack.accounts import Account

Process: TypeAlias = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Command:
    """What to run, and how it ends.

    `death_signal` reaches the child when this process dies, however it dies. SIGKILL also ends a frozen one.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    restarts: bool = False


class Spawner:
    """Starts children from one thread that lives as long as this process.

    The kernel delivers the death signal when the *thread* that started a child ends, so a child started
    from a worker thread would die with it.
    """

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[Callable[[], Process], Future[Process]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def spawn(self, command: Command, log: Path) -> Process:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="spawner", daemon=True)
                self._thread.start()
        future: Future[Process] = Future()
        self._requests.put((lambda: _start(command, log), future))
        return future.result()

    def _serve(self) -> None:
        while True:
            start, future = self._requests.get()
            try:
                future.set_result(start())
            except BaseException as error:  # noqa: BLE001 - the caller of spawn() gets it
                future.set_exception(error)


SPAWNER = Spawner()


def launch_arguments(command: Command) -> list[str]:
    """The command behind the launcher that binds its life to this process's."""
    account = command.account
    return [
        *(sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(int(command.death_signal))),
        f"{account.user_id}:{account.group_id}" if account else "-",
        *command.arguments,
    ]


def _start(command: Command, log: Path) -> Process:
    with log.open("ab") as output:
        return subprocess.Popen(
            launch_arguments(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=command.folder,
            env=dict(command.environment),
            start_new_session=True,
        )
