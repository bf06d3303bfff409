import threading
import time
from collections.abc import Callable, Sequence

from lineshaft.tools.stack.child import STOP_SECONDS, Child
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.run_record import RunRecord
from lineshaft.tools.stack.spawner import Command

_WATCH_SECONDS = 0.2


class Supervisor:
    """Owns the processes of one run: starts them, restarts those that should restart, stops them all.

    If this process dies in any way, the kernel ends every child (Linux).
    """

    def __init__(self, layout: Layout, progress: Progress | None = None) -> None:
        self.layout = layout
        self.progress = progress or Progress()
        self.on_change: Callable[[], None] | None = None
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._record = RunRecord(layout)
        self._record.claim()

    def start(self, command: Command) -> Child:
        log = self.layout.logs / f"{command.name}.log"
        log.write_bytes(b"")
        child = Child(command, log)
        with self._lock:
            self._children.append(child)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
                self._watcher.start()
        self.record()
        return child

    def record(self) -> None:
        """Note the present pids, so that a later run can end what this one left behind."""
        self._record.write(self.pids())
        if self.on_change is not None:
            self.on_change()

    def pids(self) -> dict[str, int]:
        with self._lock:
            return {child.name: child.pid for child in self._children if child.running}

    def stop(self) -> None:
        """Stop what still runs, the youngest first, and give the run's folder back."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._lock:
            children = list(reversed(self._children))
        for child in children:
            child.stop()
        self._record.release()

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_SECONDS):
            with self._lock:
                children = list(self._children)
            for child in children:
                event = child.restart_if_due()
                if event is not None:
                    self.progress.say(child.name, event)
                    self.record()


def stop_together(children: Sequence[Child], seconds: float = STOP_SECONDS) -> None:
    """Ask all of them at once, then give all of them the same deadline."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait_or_kill(deadline - time.monotonic())
