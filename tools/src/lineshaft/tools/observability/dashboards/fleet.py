"""Are the connections well, and whose move is it where they are not?"""

from lineshaft.tools.observability.dashboards.grafana import SYSTEM, Dashboard, series, stat, table

_CHOSEN = '{system=~"$system"}'
_BY_STATUS = f"sum by (status) (max by (system, status) (lineshaft_connections{_CHOSEN}))"
_CALLS = "lineshaft_source_calls_total"
_SECONDS = "lineshaft_source_call_seconds_bucket"
_FAILED = '{system=~"$system", outcome!="ok"}'
_RANGE = "[$__rate_interval]"

DASHBOARD = Dashboard(
    "fleet",
    "the fleet",
    "Are the connections well, and whose move is it where they are not?",
    {
        "Now": [
            stat("Connections", "Connections by health.", _BY_STATUS, legend="{{status}}", width=10),
            stat(
                "Waiting for new credentials",
                "Connections whose credentials were refused; their customers have been told.",
                "sum(max by (system, status) "
                '(lineshaft_connections{system=~"$system", status="reauthorization_required"})) or vector(0)',
                red_from=1,
            ),
            stat(
                "Waiting longest",
                "How long the connection that waits longest for new credentials does so.",
                f"max(lineshaft_reauthorization_oldest_seconds{_CHOSEN}) or vector(0)",
                unit="s",
            ),
            stat(
                "Our own fault",
                "Verdicts that blame the platform; nobody else can act on them.",
                "sum(max by (system, fault) "
                '(lineshaft_open_issues{system=~"$system", fault="platform"})) or vector(0)',
                red_from=1,
                width=3,
            ),
            stat(
                "Open breakers",
                "Connections and objects that are not called for a while, because calls failed.",
                f"sum(max by (system, scope) (lineshaft_open_breakers{_CHOSEN})) or vector(0)",
                width=3,
            ),
        ],
        "Health": [
            series("Connections by status", "All connections.", {"{{status}}": _BY_STATUS}, stacked=True),
            series(
                "Verdicts by fault",
                "Open issues: whose fault it is.",
                {"{{fault}}": f"sum by (fault) (max by (system, fault) (lineshaft_open_issues{_CHOSEN}))"},
            ),
            series(
                "Breakers",
                "What is not called for a while.",
                {"{{scope}}": f"sum by (scope) (max by (system, scope) (lineshaft_open_breakers{_CHOSEN}))"},
            ),
            series(
                "Age of the data",
                "Connections by the time since their last completed sync.",
                {
                    "{{age}}": "sum by (age) "
                    f"(max by (system, age) (lineshaft_connections_by_data_age{_CHOSEN}))"
                },
                stacked=True,
            ),
            series(
                "Longest wait for new credentials",
                "By system.",
                {"{{system}}": f"max by (system) (lineshaft_reauthorization_oldest_seconds{_CHOSEN})"},
                unit="s",
                width=16,
            ),
        ],
        "Calls to sources": [
            series(
                "Calls by outcome",
                "Calls a second.",
                {"{{outcome}}": f"sum by (outcome) (rate({_CALLS}{_CHOSEN}{_RANGE}))"},
                unit="reqps",
            ),
            series(
                "Failed calls by system",
                "Share of the calls that came to something else than ok.",
                {
                    "{{system}}": f"sum by (system) (rate({_CALLS}{_FAILED}{_RANGE}))"
                    f" / sum by (system) (rate({_CALLS}{_CHOSEN}{_RANGE}))"
                },
                unit="percentunit",
            ),
            series(
                "Call duration by system",
                "Median and 95th percentile.",
                {
                    f"{{{{system}}}} p{name}": f"histogram_quantile({quantile}, sum by (le, system) "
                    f"(rate({_SECONDS}{_CHOSEN}{_RANGE})))"
                    for name, quantile in (("50", 0.5), ("95", 0.95))
                },
                unit="s",
            ),
        ],
        "Which": [
            table(
                "Connections that are not healthy",
                "One line a connection, the newest trouble first: what is wrong, and whose move it is.",
                """
select
    connection_id as "connection",
    document->>'system' as "system",
    document->>'status' as "status",
    (document->>'since')::timestamptz as "since",
    document->'verdict'->>'summary' as "what is wrong",
    document->'verdict'->>'move' as "whose move",
    document->'verdict'->>'action' as "what to do",
    last_sync_at as "last sync"
from health_monitor.status_view
where document->>'status' not in ('healthy', 'disconnected')
order by (document->>'since')::timestamptz desc
limit 200
""",
                height=10,
            ),
            table(
                "How long reauthorization takes",
                "Refused credentials of the last 30 days, and the time from refusal to recovery.",
                """
select
    s.document->>'system' as "system",
    count(*) as "refusals",
    count(*) filter (where i.resolved_at is null) as "still open",
    percentile_cont(0.5) within group (order by i.resolved_at - i.opened_at)::text as "median",
    max(i.resolved_at - i.opened_at)::text as "longest"
from health_monitor.issue_view i join health_monitor.status_view s using (connection_id)
where i.fault = 'credentials' and i.opened_at > now() - interval '30 days'
group by 1 order by 2 desc
""",
            ),
        ],
    },
    [SYSTEM],
)
