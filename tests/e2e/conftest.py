import os
from collections.abc import Iterator

import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole stack with a Tryton plant of its own."""
    layout = Layout.discover(f"e2e-{os.getpid()}")
    with Stack(layout, source="tryton", durable=False, progress=Progress(quiet=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def vendor(stack: Stack) -> Vendor:
    return Vendor(stack.api_url, stack.admin_key)


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    receiver.start()
    yield receiver
    receiver.stop()
