"""Do the webhooks arrive, and in time?"""

from lineshaft.tools.observability.dashboards.grafana import Dashboard, series, stat, table

_ATTEMPTS = "lineshaft_webhook_attempts_total"
_SECONDS = "lineshaft_webhook_event_to_delivery_seconds_bucket"
_RANGE = "[$__rate_interval]"
_SUCCESS = f'sum(rate({_ATTEMPTS}{{result="delivered"}}{_RANGE})) / sum(rate({_ATTEMPTS}{_RANGE}))'

DASHBOARD = Dashboard(
    "webhooks",
    "webhooks",
    "Do the webhooks arrive, and in time?",
    {
        "Now": [
            stat("Attempts that succeed", "Share of all attempts.", _SUCCESS, unit="percentunit", width=6),
            stat(
                "Oldest webhook due",
                "How long the delivery that should have gone first has waited.",
                "max(lineshaft_webhook_oldest_due_seconds)",
                unit="s",
                width=6,
                red_from=600,
            ),
            stat(
                "Webhooks due",
                "Deliveries not yet made, those that wait for a further try included.",
                "max(lineshaft_webhook_deliveries_due)",
                width=6,
            ),
            stat(
                "From event to delivery",
                "99th percentile.",
                f"histogram_quantile(0.99, sum by (le) (rate({_SECONDS}{_RANGE})))",
                unit="s",
                width=6,
            ),
        ],
        "Over time": [
            series(
                "Attempts by result",
                "Attempts a second.",
                {"{{result}}": f"sum by (result) (rate({_ATTEMPTS}{_RANGE}))"},
                unit="reqps",
                stacked=True,
            ),
            series(
                "Success", "Share of the attempts that arrived.", {"delivered": _SUCCESS}, unit="percentunit"
            ),
            series(
                "Event to delivery",
                "Median and 99th percentile; a receiver that was away is in it.",
                {
                    f"p{name}": f"histogram_quantile({quantile}, sum by (le) (rate({_SECONDS}{_RANGE})))"
                    for name, quantile in (("50", 0.5), ("99", 0.99))
                },
                unit="s",
            ),
            series(
                "Deliveries that wait",
                "All that is due now or later.",
                {"due": "max(lineshaft_webhook_deliveries_due)"},
                width=12,
            ),
            series(
                "Age of the backlog",
                "How long the delivery that should have gone first has waited.",
                {"oldest": "max(lineshaft_webhook_oldest_due_seconds)"},
                unit="s",
                width=12,
            ),
        ],
        "Which": [
            table(
                "Deliveries by endpoint",
                "The last day.",
                """
select endpoint_id as "endpoint",
    count(*) filter (where state = 'delivered') as "delivered",
    count(*) filter (where state = 'due') as "due",
    count(*) filter (where state = 'given_up') as "given up",
    sum(attempts) as "attempts",
    max(delivered_at) as "at"
from notifier.delivery_view where created_at > now() - interval '1 day' group by 1 order by 2 desc limit 100
""",
                width=12,
            ),
            table(
                "Endpoints that fail",
                "Those that have taken nothing for a while, and those that were disabled for it.",
                """
select endpoint_id as "endpoint", failing_since as "since", failures, disabled_reason as "disabled because"
from notifier.endpoint_state_view where failing_since is not null or disabled_at is not null
order by failing_since limit 100
""",
                width=12,
            ),
            table(
                "Deliveries that have failed",
                "The newest first.",
                """
select created_at as "at", endpoint_id as "endpoint", event_type as "event", connection_id as "connection",
    state as "result", attempts, next_attempt_at as "next", last_status as "HTTP", last_error as "error"
from notifier.delivery_view where last_error is not null or last_status >= 300
order by created_at desc limit 100
""",
            ),
        ],
    },
)
