import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineshaft.tools.stack.layout import Layout, find_checkout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor


@pytest.fixture
def private_layout(tmp_path: Path) -> Layout:
    """A layout with an empty cache, away from the checkout's."""
    return Layout(find_checkout(), tmp_path / "var", "test")


@pytest.fixture
def supervisor(private_layout: Layout) -> Iterator[Supervisor]:
    supervisor = Supervisor(private_layout, Progress(quiet=True))
    yield supervisor
    supervisor.stop()


@pytest.fixture(scope="module")
def shared_supervisor(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    """For what is slow to build: the checkout's cache, a run of its own."""
    layout = Layout.discover(f"{Path(request.node.name).stem}-{os.getpid()}")
    supervisor = Supervisor(layout, Progress(quiet=True))
    yield supervisor
    supervisor.stop()
