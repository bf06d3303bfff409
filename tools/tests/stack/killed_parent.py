import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor

_PROLOGUE = """
import signal
from pathlib import Path
from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor
supervisor = Supervisor(Layout(find_checkout(), Path({var!r}), "killed"), Progress(quiet=True))
"""


def clean_up_after_killed_parent(folder: Path) -> None:
    Supervisor(Layout(find_checkout(), folder / "var", "killed"), Progress(quiet=True)).stop()


def child_of_killed_parent(folder: Path, program: str) -> int:
    """Run a program that prints its child's pid, kill -9 it, answer the child's pid."""
    source = _PROLOGUE.format(var=str(folder / "var")) + textwrap.dedent(program) + "\nsignal.pause()\n"
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    return pid
