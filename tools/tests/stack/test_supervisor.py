import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from lineshaft.tools.stack.child import StartError
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.process_state import alive, wait_until
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.run_record import StackRunningError
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor, stop_together

from .killed_parent import child_of_killed_parent


def a_command(script: str, *, name: str = "part", restarts: bool = False) -> Command:
    return Command(name, ("/bin/sh", "-c", script), restarts=restarts)


def test_output_goes_to_the_log(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("echo hello; echo trouble >&2; sleep 60"))
    assert wait_until(lambda: "trouble" in child.log.read_text(), 10)
    assert child.log == supervisor.layout.logs / "part.log"
    assert "hello" in child.log.read_text()


def test_an_early_end_is_reported_with_the_last_log_lines(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("echo no such database; exit 3"))
    with pytest.raises(StartError, match=r"(?s)part ended with code 3.*no such database"):
        child.wait_until_ready(lambda: False, 10)


def test_a_late_start_is_reported(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("sleep 60"))
    with pytest.raises(StartError, match="not ready after 0 s"):
        child.wait_until_ready(lambda: False, 0.1)


def test_an_unexpected_exit_is_followed_by_a_restart(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("sleep 0.3; exit 70", restarts=True))
    first = child.pid
    child.wait_until_ready(lambda: True, 1)
    assert wait_until(lambda: child.pid != first, 10)
    assert child.restarts == 1


def test_a_killed_child_may_stay_down(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("sleep 60", restarts=True))
    child.wait_until_ready(lambda: True, 1)
    child.kill(stay_down=True)
    time.sleep(1)
    assert not child.running
    child.start_again()
    assert child.running


def test_a_stopped_child_is_not_restarted(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("sleep 60", restarts=True))
    child.wait_until_ready(lambda: True, 1)
    child.stop()
    time.sleep(1)
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_the_request_is_killed(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("trap '' TERM; echo set; while true; do sleep 0.1; done"))
    assert wait_until(lambda: "set" in child.log.read_text(), 10)
    child.stop(0.5)
    assert child.exit_code == -signal.SIGKILL


def test_a_frozen_child_stops(supervisor: Supervisor) -> None:
    child = supervisor.start(a_command("sleep 60"))
    child.freeze()
    stop_together([child], 5)
    assert child.exit_code == -signal.SIGTERM


def test_a_child_outlives_the_thread_that_asked_for_it(supervisor: Supervisor) -> None:
    thread = threading.Thread(target=lambda: supervisor.start(a_command("sleep 60")))
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert list(supervisor.pids()) == ["part"]


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_kill_9_of_the_parent_ends_the_children(tmp_path: Path) -> None:
    child = child_of_killed_parent(
        tmp_path,
        """
        from lineshaft.tools.stack.spawner import Command
        print(supervisor.start(Command("part", ("/bin/sleep", "60"))).pid, flush=True)
        """,
    )
    assert wait_until(lambda: not alive(child), 10)


def test_a_second_stack_of_the_same_name_is_refused(supervisor: Supervisor) -> None:
    with pytest.raises(StackRunningError, match="stop it first"):
        Supervisor(supervisor.layout, Progress(quiet=True))


def test_the_folder_of_a_dead_run_is_removed(private_layout: Layout, tmp_path: Path) -> None:
    child_of_killed_parent(tmp_path, "print(0, flush=True)")
    left_behind = tmp_path / "var" / "run" / "killed"
    assert left_behind.is_dir()
    Supervisor(private_layout, Progress(quiet=True)).stop()
    assert not left_behind.exists()
