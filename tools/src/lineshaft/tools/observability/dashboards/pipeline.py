"""Do records flow from the sources to the entity topics, and where do they wait?"""

from lineshaft.tools.observability.dashboards.grafana import SYSTEM, Dashboard, series, stat

_CHOSEN = '{system=~"$system"}'
_RANGE = "[$__rate_interval]"
_SUBSCRIPTION = "{{service}} {{subscription}}"

DASHBOARD = Dashboard(
    "pipeline",
    "the pipeline",
    "Do records flow from the sources to the entity topics, and where do they wait?",
    {
        "Now": [
            stat(
                "Records a second",
                "Records mapped.",
                f"sum(rate(lineshaft_records_mapped_total{_CHOSEN}{_RANGE}))",
                unit="cps",
            ),
            stat("Records behind", "Records that wait on topics.", "sum(lineshaft_consumer_lag_records)"),
            stat(
                "Oldest sync due",
                "How long the sync that should have begun first has waited.",
                "max(lineshaft_sync_oldest_due_seconds)",
                unit="s",
                red_from=900,
            ),
            stat(
                "Oldest event unsent",
                "Age of the oldest message in an outbox.",
                "max(lineshaft_outbox_oldest_seconds)",
                unit="s",
                red_from=60,
            ),
            stat(
                "Paused connections",
                "Connections whose records are set aside unseen.",
                "sum(lineshaft_paused_connections) or vector(0)",
                red_from=1,
            ),
            stat(
                "Stopped consumers",
                "Consumers that have stopped by themselves: a new version is needed.",
                "sum(lineshaft_consumer_stopped) or vector(0)",
                red_from=1,
            ),
        ],
        "Records": [
            series(
                "Records read and mapped",
                "Records a second.",
                {
                    "read": f"sum(rate(lineshaft_records_read_total{_CHOSEN}{_RANGE}))",
                    "mapped": f"sum(rate(lineshaft_records_mapped_total{_CHOSEN}{_RANGE}))",
                },
                unit="cps",
            ),
            series(
                "Mapped records by effect",
                "New, changed and unchanged records a second.",
                {"{{effect}}": f"sum by (effect) (rate(lineshaft_records_mapped_total{_CHOSEN}{_RANGE}))"},
                unit="cps",
                stacked=True,
            ),
            series(
                "Fields left null",
                "Values a second that did not fit their field.",
                {
                    "{{system}} {{entity}}.{{field}}": "sum by (system, entity, field) "
                    f"(rate(lineshaft_mapping_field_errors_total{_CHOSEN}{_RANGE}))"
                },
                unit="cps",
            ),
        ],
        "Syncs": [
            series(
                "Sync jobs",
                "One job an object of a sync.",
                {"{{state}}": "max by (state) (lineshaft_sync_jobs)"},
            ),
            series(
                "Wait for a turn",
                "How long the sync that should have begun first has waited.",
                {"oldest": "max(lineshaft_sync_oldest_due_seconds)"},
                unit="s",
            ),
            series(
                "Records read by system",
                "Records a second.",
                {"{{system}}": f"sum by (system) (rate(lineshaft_records_read_total{_CHOSEN}{_RANGE}))"},
                unit="cps",
            ),
        ],
        "Topics": [
            series(
                "Consumer lag",
                "Records that wait, by service and subscription.",
                {_SUBSCRIPTION: "sum by (service, subscription) (lineshaft_consumer_lag_records)"},
            ),
            series(
                "Wait without progress",
                "How long records have waited without one being finished.",
                {_SUBSCRIPTION: "max by (service, subscription) (lineshaft_consumer_waiting_seconds)"},
                unit="s",
            ),
            series(
                "Records consumed",
                "Records a second, by service and subscription.",
                {
                    _SUBSCRIPTION: "sum by (service, subscription) "
                    f"(rate(lineshaft_consumed_records_total{_RANGE}))"
                },
                unit="cps",
            ),
            series(
                "Batch duration",
                "99th percentile.",
                {
                    _SUBSCRIPTION: "histogram_quantile(0.99, sum by (le, service, subscription) "
                    f"(rate(lineshaft_batch_seconds_bucket{_RANGE})))"
                },
                unit="s",
            ),
            series(
                "Batches tried again",
                "Batches a second that failed for now.",
                {_SUBSCRIPTION: f"sum by (service, subscription) (rate(lineshaft_retries_total{_RANGE}))"},
            ),
            series(
                "Dead letters",
                "Records set aside.",
                {
                    "{{service}} {{topic}}": "sum by (service, topic) "
                    f"(increase(lineshaft_dead_letters_total{_RANGE}))"
                },
            ),
            series(
                "Outbox age",
                "Age of the oldest message that is not on its topic yet.",
                {"{{service}}": "max by (service) (lineshaft_outbox_oldest_seconds)"},
                unit="s",
                width=12,
            ),
            series(
                "Events published",
                "Messages a second that left an outbox.",
                {"{{service}}": f"sum by (service) (rate(lineshaft_outbox_published_total{_RANGE}))"},
                unit="cps",
                width=12,
            ),
        ],
    },
    [SYSTEM],
)
