"""The queries of the dashboards on a real Prometheus that scrapes an endpoint with all our metrics."""

import re
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import MetricsHandler

from lineshaft.common.metrics import Metrics
from lineshaft.tools.observability.dashboard import dashboard_queries, load_dashboard, panels
from lineshaft.tools.observability.dashboard_data import assert_dashboard_has_data, has_data
from lineshaft.tools.observability.prometheus import Prometheus
from lineshaft.tools.stack.layout import find_checkout
from lineshaft.tools.stack.ports import LOOPBACK

pytestmark = pytest.mark.integration

STEP_SECONDS = 0.2
SETTINGS = {
    "status": "reauthorization_required",
    "outcome": "unreachable",
    "fault": "platform",
    "result": "delivered",
}


class BusyService(threading.Thread):
    """Every metric of ours with one value per label, and counters that rise."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._metrics = Metrics(CollectorRegistry())
        ProcessCollector(registry=self._metrics.registry)
        self._server = ThreadingHTTPServer((LOOPBACK, 0), MetricsHandler.factory(self._metrics.registry))
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def run(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        while not self._stopping.wait(STEP_SECONDS):
            for metric in vars(self._metrics).values():
                if isinstance(metric, Counter | Gauge | Histogram):
                    names = metric._labelnames
                    _step(
                        metric.labels(*(SETTINGS.get(name, f"a_{name}") for name in names))
                        if names
                        else metric
                    )

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.join()


def _step(metric: Counter | Gauge | Histogram) -> None:
    if isinstance(metric, Histogram):
        metric.observe(0.3)
    else:
        metric.inc()


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    service = BusyService()
    service.start()
    try:
        with Prometheus({"api": service.url}) as prometheus:
            yield prometheus
    finally:
        service.stop()


DASHBOARDS = [
    path
    for path in sorted((find_checkout() / "deploy" / "grafana" / "dashboards").glob("*.json"))
    if dashboard_queries(path)
]


@pytest.fixture(params=DASHBOARDS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    """Every dashboard that asks Prometheus."""
    path: Path = request.param
    return path


@pytest.fixture
def pipeline(checkout: Path) -> Path:
    return checkout / "deploy" / "grafana" / "dashboards" / "pipeline.json"


def test_every_panel_has_data(prometheus: Prometheus, path: Path) -> None:
    assert_dashboard_has_data(prometheus, path, within_seconds=20)


def test_every_legend_names_labels_of_the_answer(prometheus: Prometheus, path: Path) -> None:
    assert_dashboard_has_data(prometheus, path, within_seconds=20)
    legends = [
        (panel["title"], target["legendFormat"])
        for panel in panels(load_dashboard(path))
        for target in panel["targets"]
        if "expr" in target
    ]
    for (title, expression), (_, legend) in zip(dashboard_queries(path), legends, strict=True):
        wanted = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert wanted <= set(prometheus.query(expression)[0].labels), title


def test_a_system_that_is_not_there_empties_its_panels(prometheus: Prometheus, pipeline: Path) -> None:
    queries = dict(dashboard_queries(pipeline, {"system": "no-such-system"}))
    assert not has_data(prometheus, queries["Records read by system"])


def test_a_panel_without_data_is_named(prometheus: Prometheus, pipeline: Path, tmp_path: Path) -> None:
    broken = tmp_path / pipeline.name
    broken.write_text(
        pipeline.read_text(encoding="utf-8").replace("lineshaft_sync_jobs", "lineshaft_sink_jobs"),
        encoding="utf-8",
    )
    with pytest.raises(AssertionError, match="Sync jobs: max by"):
        assert_dashboard_has_data(prometheus, broken, within_seconds=0)
    assert_dashboard_has_data(prometheus, broken, optional={"Sync jobs"}, within_seconds=0)
    with pytest.raises(AssertionError, match="no such panel"):
        assert_dashboard_has_data(prometheus, broken, optional={"Sink jobs"}, within_seconds=0)


def test_a_query_that_prometheus_refuses_is_an_error(prometheus: Prometheus) -> None:
    with pytest.raises(ValueError, match="parse error"):
        prometheus.query("sum(")
