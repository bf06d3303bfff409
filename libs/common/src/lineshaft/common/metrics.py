"""Every metric, with its meaning; the reference page is made from this list.

Labels are bounded: never a connection id. Per-connection figures come from Postgres.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One instance per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"lineshaft_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"lineshaft_{name}", meaning, labels, registry=registry)

        def histogram(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(f"lineshaft_{name}", meaning, labels, registry=registry, buckets=LATENCY)

        self.consumed_records = counter(
            "consumed_records_total", "Records finished.", "service", "subscription"
        )
        self.batch_seconds = histogram("batch_seconds", "Time to finish a batch.", "service", "subscription")
        self.retries = counter("retries_total", "Batches tried again in place.", "service", "subscription")
        self.dead_letters = counter("dead_letters_total", "Records set aside.", "service", "topic")
        self.paused_connections = gauge(
            "paused_connections",
            "Connections whose records are set aside unseen, because too many could not be processed.",
            "service",
            "subscription",
        )
        self.consumer_stopped = gauge(
            "consumer_stopped",
            "1 where records of several connections could not be processed: a new version is needed.",
            "service",
            "subscription",
        )
        self.consumer_lag = gauge(
            "consumer_lag_records", "Records on our partitions not finished.", "service", "subscription"
        )
        self.waiting_seconds = gauge(
            "consumer_waiting_seconds",
            "How long records have waited without one being finished; the watchdog acts on it.",
            "service",
            "subscription",
        )
        self.loop_delay = gauge("event_loop_delay_seconds", "How late the event loop is.", "service")
        self.outbox_published = counter("outbox_published_total", "Messages sent by the relay.", "service")
        self.outbox_age = gauge("outbox_oldest_seconds", "Age of the oldest unsent message.", "service")
        self.calls = counter("source_calls_total", "Calls to sources.", "system", "operation", "outcome")
        self.call_seconds = histogram(
            "source_call_seconds", "Duration of calls to sources.", "system", "operation"
        )
        self.records_read = counter("records_read_total", "Records read from sources.", "system")
        self.records_mapped = counter("records_mapped_total", "Records mapped.", "system", "entity", "effect")
        self.deletions_held = counter(
            "deletions_held_total", "Complete reads that found too few records to be believed.", "system"
        )
        self.mapping_errors = counter(
            "mapping_field_errors_total", "Fields left null.", "system", "entity", "field"
        )
        self.sync_jobs = gauge("sync_jobs", "Sync jobs by state.", "state")
        self.sync_oldest = gauge("sync_oldest_due_seconds", "Age of the oldest sync job that is due.")
        self.connections = gauge("connections", "Connections by health.", "system", "status")
        self.connections_by_age = gauge(
            "connections_by_data_age",
            "Connections by the age of their last completed sync: an hour, a day, a week, older or never.",
            "system",
            "age",
        )
        self.open_issues = gauge(
            "open_issues", "Verdicts that stand, by whose fault it is.", "system", "fault"
        )
        self.reauthorization_oldest = gauge(
            "reauthorization_oldest_seconds",
            "Since when the connection that waits longest for new credentials does so.",
            "system",
        )
        self.open_breakers = gauge(
            "open_breakers", "Breakers that hold calls back, of connections or objects.", "system", "scope"
        )
        self.deliveries = counter("webhook_attempts_total", "Webhook attempts.", "result")
        self.delivery_seconds = histogram(
            "webhook_event_to_delivery_seconds", "From the event to its delivery."
        )
        self.first_attempt_seconds = histogram(
            "webhook_first_attempt_seconds", "From the event to the first try of its delivery."
        )
        self.alert_messages = counter(
            "alert_messages_total", "Tries to send a message to an alert channel.", "result"
        )
        self.deliveries_due = gauge("webhook_deliveries_due", "Deliveries not yet made.")
        self.deliveries_oldest = gauge(
            "webhook_oldest_due_seconds", "Age of the oldest delivery that is due."
        )
        self.secrets_to_reseal = gauge(
            "secrets_to_reseal", "Stored secrets that are not under the active key.", "service"
        )
        self.http_requests = counter(
            "http_requests_total", "Requests to the API.", "method", "route", "status"
        )
        self.http_seconds = histogram("http_request_seconds", "Duration of requests.", "method", "route")


METRICS = Metrics(CollectorRegistry())
ProcessCollector(registry=METRICS.registry)
