"""Everything about one connection; its figures come from Postgres, as no metric names a connection."""

from lineshaft.tools.observability.dashboards.grafana import POSTGRES, Dashboard, table

_ONE = "connection_id = ${connection:sqlstring}"
_CONNECTION = {
    "name": "connection",
    "label": "Connection",
    "type": "query",
    "datasource": POSTGRES,
    "query": "select connection_id from health_monitor.status_view order by 1 desc limit 1000",
    "refresh": 2,
    "sort": 0,
}

DASHBOARD = Dashboard(
    "connection",
    "a connection",
    "Everything about one connection: its verdict, what happened, its syncs, its fields, its webhooks.",
    {
        "Health": [
            table(
                "Verdict",
                "What is wrong, and whose move it is.",
                f"""
select
    document->>'system' as "system",
    document->>'status' as "status",
    (document->>'since')::timestamptz as "since",
    document->'verdict'->>'summary' as "what is wrong",
    document->'verdict'->>'move' as "whose move",
    document->'verdict'->>'action' as "what to do",
    document->'breaker'->>'state' as "breaker",
    last_sync_at as "last sync"
from health_monitor.status_view where {_ONE}
""",
                height=4,
            ),
            table(
                "Objects",
                "Health of each object of the source, and when it last worked.",
                f"""
select
    o->>'object' as "object",
    o->>'status' as "status",
    (o->>'callable')::boolean as "may be called",
    (o->>'last_ok_at')::timestamptz as "since",
    (o->>'last_error_at')::timestamptz as "at"
from health_monitor.status_view cross join jsonb_array_elements(document->'objects') as o
where {_ONE} order by 1
""",
                width=12,
            ),
            table(
                "Issues",
                "One line an issue, the newest first.",
                f"""
select fault, scope, opened_at as "opened", resolved_at as "resolved", count
from health_monitor.issue_view where {_ONE} order by opened_at desc limit 50
""",
                width=12,
            ),
            table(
                "Timeline",
                "What happened, the newest first.",
                f"""
select at, kind, summary, actor
from health_monitor.timeline_view where {_ONE} order by at desc limit 200
""",
                width=12,
                height=10,
            ),
            table(
                "Errors",
                "Calls that failed, the newest first, in the source's own words.",
                f"""
select at, operation, object, outcome, http_status as "HTTP", code, message, request_id as "request"
from health_monitor.error_view where {_ONE} order by at desc limit 200
""",
                width=12,
                height=10,
            ),
        ],
        "Data": [
            table(
                "Syncs",
                "The last syncs as far as the source was read.",
                f"""
select sync_id as "sync", mode, status as "result", created_at as "at", ended_at as "completed",
    (select sum((o->>'records')::bigint) from jsonb_array_elements(objects) as o) as "records"
from connector.sync_view where {_ONE} order by created_at desc limit 50
""",
                width=12,
            ),
            table(
                "Schedule",
                "What is read by itself, and when next; the first line stands for all objects without one.",
                f"""
select object, every_minutes as "every minutes", full_every_hours as "in full every hours", due_at as "next"
from connector.schedule_view where {_ONE} order by object
""",
                width=12,
            ),
            table(
                "Freshness",
                "The moment that the readable data stands for.",
                f"""
select data_as_of as "data as of" from mapping.freshness_view where {_ONE}
""",
                width=6,
            ),
            table(
                "Fields left null",
                "Values that did not fit their field since the mapping's last version.",
                f"""
select entity, field, count, code, reason, last_at as "at"
from mapping.field_health_view where {_ONE} order by count desc limit 100
""",
                width=18,
            ),
        ],
        "Webhooks": [
            table(
                "Deliveries",
                "Webhooks about this connection, the newest first.",
                f"""
select created_at as "at", event_type as "event", endpoint_id as "endpoint", state as "result", attempts,
    next_attempt_at as "next", last_status as "HTTP", last_error as "error"
from notifier.delivery_view where {_ONE} order by created_at desc limit 100
""",
            ),
        ],
    },
    [_CONNECTION],
)
