from prometheus_client.metrics import MetricWrapperBase

from lineshaft.common.metrics import METRICS
from lineshaft.tools.generate.markdown import page, table


def metrics_page() -> str:
    rows = [_row(metric) for metric in vars(METRICS).values() if isinstance(metric, MetricWrapperBase)]
    return page(
        "Metrics",
        "Served on `/metrics` of every service. Counters end in `_total`, "
        "histograms in `_bucket`, `_sum` and `_count`.",
        table(["Name", "Kind", "Meaning", "Labels"], sorted(rows)),
    )


def _row(metric: MetricWrapperBase) -> list[str]:
    [family] = metric.describe()
    labels = metric._labelnames  # noqa: SLF001  the library shows them nowhere else
    return [f"`{family.name}`", family.type, family.documentation, ", ".join(labels)]
