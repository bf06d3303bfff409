"""The main job, end to end, on real Kafka, Postgres and Tryton; then what the dashboard shows of it."""

import pytest

from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.observability.dashboard_data import assert_dashboard_has_data
from lineshaft.tools.observability.prometheus import Prometheus
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.timeout(400)]

DASHBOARD = find_checkout() / "deploy" / "grafana" / "dashboards" / "flow.json"
ONLY_WHEN_SOMETHING_IS_WRONG = {"Fields left empty by mapping errors", "Batches tried again", "Dead letters"}


def test_a_changed_password_becomes_a_webhook_and_reconnecting_heals_it(
    stack: Stack, vendor: Vendor, receiver: WebhookReceiver
) -> None:
    story = Story(vendor, stack.source, receiver, stack.kafka.bootstrap_servers)
    with Prometheus(stack.services.urls) as prometheus:
        told = story.run()
        assert told, "\n".join(f"{step.name}: {step.told}" for step in story.steps)
        assert_dashboard_has_data(prometheus, DASHBOARD, optional=ONLY_WHEN_SOMETHING_IS_WRONG)

    assert story.reauth_webhook_seconds is not None
    assert story.reauth_webhook_seconds < 5
    required = [one for one in receiver.deliveries if one.type == "connection.reauthorization_required"]
    assert len(required) == 1
    assert required[0].body["data"]["metadata"] == {"customer": "Plant 7"}
    assert required[0].body["data"]["verdict"]["fault"] == "credentials"
    assert all(one.problem is None for one in receiver.deliveries)
