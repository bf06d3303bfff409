from prometheus_client.metrics import MetricWrapperBase

from lineshaft.common.metrics import METRICS
from lineshaft.tools.generate.markdown import page, table


def metrics_page() -> str:
    rows = [
        [f"`{metric.describe()[0].name}`", metric._type, metric._documentation, ", ".join(metric._labelnames)]  # noqa: SLF001  the library shows them nowhere else
        for metric in vars(METRICS).values()
        if isinstance(metric, MetricWrapperBase)
    ]
    return page(
        "Metrics",
        "Served on `/metrics` of every service. Counters end in `_total`, histograms in `_bucket`, `_sum`, `_count`.",
        table(["Name", "Kind", "Meaning", "Labels"], sorted(rows)),
    )
