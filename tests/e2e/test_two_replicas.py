"""The story with two replicas of each service, and answers that arrive whoever took them from Kafka."""

import os
import re
from collections.abc import Iterator

import httpx
import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.nightly, pytest.mark.timeout(400)]

RESULTS = re.compile(
    r'^lineshaft_consumed_records_total\{service="api",subscription="[^"]*results?"\} (?P<count>\S+)$',
    re.MULTILINE,
)
CUSTOMERS = 16


@pytest.fixture(scope="module")
def replicated() -> Iterator[Stack]:
    layout = Layout.discover(f"replicas-{os.getpid()}")
    replicas = dict.fromkeys(SERVICES, 2)
    with Stack(
        layout, source="tryton", durable=False, progress=Progress(quiet=True), replicas=replicas
    ) as stack:
        yield stack


def test_the_story_is_told_by_two_replicas_of_each_service(
    replicated: Stack, receiver: WebhookReceiver
) -> None:
    vendor = Vendor(replicated.api_url, replicated.admin_key)
    story = Story(vendor, replicated.source, receiver, replicated.kafka.bootstrap_servers)
    assert story.run(), "\n".join(f"{step.name}: {step.told}" for step in story.steps)
    required = [one for one in receiver.deliveries if one.type == "connection.reauthorization_required"]
    assert len(required) == 1
    assert all(one.problem is None for one in receiver.deliveries)


def test_an_answer_arrives_whichever_replica_took_it(replicated: Stack) -> None:
    """The hosted page is served by the first replica; half of the results come to the second."""
    urls = [replicated.services.urls[name] for name in ("api", "api-2")]
    before = [_results_taken(url) for url in urls]
    vendors = [Vendor(url, replicated.admin_key) for url in urls]
    connected: set[str] = set()
    taken = [0.0, 0.0]
    while min(taken) == 0 and len(connected) < CUSTOMERS:
        vendor = vendors[len(connected) % 2]
        connected.add(vendor.connect(replicated.source.system, replicated.source.connection_fields)[0])
        taken = [_results_taken(url) - count for url, count in zip(urls, before, strict=True)]

    assert sum(taken) >= len(connected)
    assert min(taken) > 0, "keys are spread over the partitions, and these over the replicas"


def _results_taken(url: str) -> float:
    text = httpx.get(f"{url}/metrics", timeout=5, trust_env=False).text
    return sum(float(match["count"]) for match in RESULTS.finditer(text))
