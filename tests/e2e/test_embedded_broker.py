"""The demo on a machine without Java: the same story on the embedded broker."""

import os

import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(300)]


def test_the_story_on_the_embedded_broker(monkeypatch: pytest.MonkeyPatch, receiver: WebhookReceiver) -> None:
    monkeypatch.setenv("KAFKA", "embedded")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    layout = Layout.discover(f"embedded-{os.getpid()}")
    with Stack(layout, source="sandbox", durable=False, progress=Progress(quiet=True)) as stack:
        assert stack.kafka.kind == "embedded"
        vendor = Vendor(stack.api_url, stack.admin_key)
        story = Story(vendor, stack.source, receiver, stack.kafka.bootstrap_servers)
        assert story.run(), "\n".join(f"{step.name}: {step.told}" for step in story.steps)
