"""An alert on its whole way: a metric, Prometheus with the shipped rules, Alertmanager, a receiver."""

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler

from lineshaft.common.metrics import Metrics
from lineshaft.tools.observability.alertmanager import Alertmanager, alertmanager_program
from lineshaft.tools.observability.prometheus import Prometheus
from lineshaft.tools.stack.ports import LOOPBACK
from lineshaft.tools.testing.needs import needs

pytestmark = pytest.mark.integration

SECONDS = 30.0


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def service(metrics: Metrics) -> Iterator[str]:
    """Address of a service that shows these metrics."""
    yield from serving(MetricsHandler.factory(metrics.registry))


@pytest.fixture
def told() -> "queue.Queue[dict[str, Any]]":
    return queue.Queue()


@pytest.fixture
def receiver(told: "queue.Queue[dict[str, Any]]") -> Iterator[str]:
    needs("prometheus-alertmanager", found=alertmanager_program() is not None)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for alert in body["alerts"]:
                told.put(alert)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    yield from serving(Handler)


def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_stopped_consumer_is_told_with_its_page_and_its_end(
    metrics: Metrics, service: str, receiver: str, told: "queue.Queue[dict[str, Any]]"
) -> None:
    stopped = metrics.consumer_stopped.labels("mapping", "records")
    with (
        Alertmanager(receiver) as alertmanager,
        Prometheus({"mapping": service}, alertmanager=alertmanager.address),
    ):
        stopped.set(1)
        alert = told.get(timeout=SECONDS)
        assert alert["status"] == "firing"
        assert alert["labels"] == {
            "alertname": "LineshaftConsumerStopped",
            "service": "mapping",
            "subscription": "records",
            "severity": "critical",
        }
        assert alert["annotations"] == {
            "summary": "mapping has stopped reading records",
            "runbook": "docs/runbooks/consumer-stopped.md",
        }
        stopped.set(0)
        while alert["status"] != "resolved":
            alert = told.get(timeout=SECONDS)
        assert alert["labels"]["alertname"] == "LineshaftConsumerStopped"
