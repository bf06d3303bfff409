"""The sandbox alone, without a stack."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.supervisor import Supervisor


@contextmanager
def running_sandbox(name: str) -> Iterator[SandboxSource]:
    """`name` tells its files from those of others that run at once."""
    supervisor = Supervisor(Layout.discover(f"{name}-{os.getpid()}"), Progress(quiet=True))
    try:
        sandbox = SandboxSource(supervisor)
        sandbox.start()
        yield sandbox
    finally:
        supervisor.stop()
