"""Are our own processes well?"""

from lineshaft.tools.observability.dashboards.grafana import Dashboard, series, stat

_OURS = '{job=~"lineshaft-.+"}'
_RANGE = "[$__rate_interval]"

DASHBOARD = Dashboard(
    "services",
    "the services",
    "Are our own processes well?",
    {
        "Now": [
            stat(
                "Replicas up",
                "Processes that answer.",
                f"sum by (job) (up{_OURS})",
                legend="{{job}}",
                width=12,
            ),
            stat(
                "API errors",
                "Share of the answers that are 5xx.",
                f'sum(rate(lineshaft_http_requests_total{{status=~"5.."}}{_RANGE}))'
                f" / sum(rate(lineshaft_http_requests_total{_RANGE})) or vector(0)",
                unit="percentunit",
                red_from=0.02,
            ),
            stat(
                "Event loop late",
                "The latest of all.",
                "max(lineshaft_event_loop_delay_seconds)",
                unit="s",
                red_from=1,
            ),
            stat(
                "Secrets under an old key",
                "Stored secrets that are not under the active key.",
                "sum(max by (service) (lineshaft_secrets_to_reseal))",
            ),
        ],
        "Processes": [
            series(
                "CPU",
                "Cores in use, by replica.",
                {"{{job}} {{instance}}": f"rate(process_cpu_seconds_total{_OURS}{_RANGE})"},
            ),
            series(
                "Memory",
                "Resident, by replica.",
                {"{{job}} {{instance}}": f"process_resident_memory_bytes{_OURS}"},
                unit="bytes",
            ),
            series(
                "Starts",
                "Times that a process was started; the watchdog may have ended the one before.",
                {"{{job}}": f"sum by (job) (changes(process_start_time_seconds{_OURS}{_RANGE}))"},
            ),
            series(
                "Event loop delay",
                "How late timers come, by service.",
                {"{{service}}": "max by (service) (lineshaft_event_loop_delay_seconds)"},
                unit="s",
            ),
            series(
                "Open files",
                "Files and connections, by replica.",
                {"{{job}} {{instance}}": f"process_open_fds{_OURS}"},
            ),
            series(
                "Secrets to seal again",
                "Stored secrets that are not under the active key.",
                {"{{service}}": "max by (service) (lineshaft_secrets_to_reseal)"},
            ),
        ],
        "API": [
            series(
                "Requests by status",
                "Requests a second.",
                {"{{status}}": f"sum by (status) (rate(lineshaft_http_requests_total{_RANGE}))"},
                unit="reqps",
                width=12,
                stacked=True,
            ),
            series(
                "Request duration",
                "95th percentile by route.",
                {
                    "{{method}} {{route}}": "histogram_quantile(0.95, sum by (le, method, route) "
                    f"(rate(lineshaft_http_request_seconds_bucket{_RANGE})))"
                },
                unit="s",
                width=12,
            ),
        ],
    },
)
