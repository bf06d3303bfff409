"""Every topic, in one place: topic creation, subscriptions and the reference page are made from this list.

`name` is without the prefix; `key` says what orders the topic; retention is in days, `None` where the
topic is compacted.
"""

from dataclasses import dataclass

from lineshaft.common.unified import ENTITIES


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    key: str
    partitions: int
    retention_days: float | None
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    purpose: str

    @property
    def compacted(self) -> bool:
        return self.retention_days is None


CONNECTION = "<connection_id>"
USERS = "users"
"""Among producers and consumers: whoever runs Lineshaft."""


def _topic(
    name: str,
    purpose: str,
    *,
    producers: str,
    consumers: str = "",
    key: str = CONNECTION,
    partitions: int = 6,
    retention_days: float | None = 7,
) -> Topic:
    return Topic(
        name, key, partitions, retention_days, tuple(producers.split()), tuple(consumers.split()), purpose
    )


SYNC_REQUESTS = _topic(
    "sync.requests",
    "Please read these entities of this connection.",
    producers="api users",
    consumers="connector",
)
COMMANDS_CONNECTOR = _topic(
    "commands.connector",
    "Authorize, write, probe, describe, diagnose; schedules, policies.",
    producers="api health-monitor",
    consumers="connector",
)
COMMANDS_HEALTH = _topic(
    "commands.health",
    "Force a breaker, let it try, mute, purge.",
    producers="api connector",
    consumers="health-monitor",
)
COMMANDS_MAPPING = _topic("commands.mapping", "Re-map, purge.", producers="api", consumers="mapping")
COMMANDS_NOTIFIER = _topic(
    "commands.notifier",
    "Redeliver, replay, test, purge.",
    producers="api",
    consumers="notifier",
    key=f"<endpoint_id>, <channel_id>, {CONNECTION}",
)
COMMAND_RESULTS = _topic(
    "command.results",
    "What became of a command.",
    producers="connector health-monitor mapping notifier",
    consumers="api",
    key="the command's own key",
    retention_days=1,
)
CONNECTIONS = _topic(
    "connections",
    "The latest description of each connection, without secrets.",
    producers="api",
    consumers="connector health-monitor notifier",
    retention_days=None,
)
MAPPINGS = _topic(
    "mappings",
    "The latest mapping definition of each connection and entity.",
    producers="api",
    consumers="mapping connector health-monitor",
    key=f"{CONNECTION}/<entity>",
    retention_days=None,
)
WEBHOOK_ENDPOINTS = _topic(
    "webhook-endpoints",
    "The latest description of each webhook endpoint, without its secret.",
    producers="api",
    consumers="notifier",
    key="<endpoint_id>",
    retention_days=None,
)
ALERT_CHANNELS = _topic(
    "alert-channels",
    "The latest description of each alert channel, without the address that holds its secret.",
    producers="api",
    consumers="notifier",
    key="<channel_id>",
    retention_days=None,
)
RECORDS_RAW = _topic(
    "records.raw",
    "Slices of records as the source gave them, read-complete markers, re-map chunks, schema changes.",
    producers="connector mapping",
    consumers="mapping",
    key=f"{CONNECTION}/<object>",
    partitions=12,
    retention_days=3,
)
CONNECTION_CALLS = _topic(
    "connection.calls",
    "The outcome of each call to a source, network ladders, accepted schema changes.",
    producers="connector",
    consumers="health-monitor",
)
CONNECTION_STATUS = _topic(
    "connection.status",
    "The latest health of each connection.",
    producers="health-monitor",
    consumers="connector users",
    retention_days=None,
)
CONNECTION_EVENTS = _topic(
    "connection.events",
    "Changes of a connection's health that somebody may want to hear of.",
    producers="health-monitor",
    consumers="notifier users",
    retention_days=30,
    key=f"{CONNECTION}, of an outage <system>/<host>",
)
SYNC_EVENTS = _topic(
    "sync.events",
    "Progress and ends of syncs.",
    producers="connector mapping",
    consumers="health-monitor notifier users",
)
MAPPING_EVENTS = _topic(
    "mapping.events",
    "Drift of sources under their mappings; deletions that are held.",
    producers="mapping",
    consumers="health-monitor notifier users",
)
NOTIFICATION_EVENTS = _topic(
    "notification.events",
    "Deliveries that arrived or were given up.",
    producers="notifier",
    consumers="users",
)
DEAD_LETTERS = _topic(
    "dead-letters",
    "Records that could not be processed, with the reason in their headers.",
    producers="connector mapping health-monitor notifier api",
    consumers="users",
    key="the record's own key",
    retention_days=30,
)


def entity_topic_name(entity: str) -> str:
    """`entities.<type>` of a unified entity, `entities.custom` of anything else."""
    return f"entities.{entity}" if entity in ENTITIES else "entities.custom"


ENTITY_TOPICS: tuple[Topic, ...] = tuple(
    _topic(
        name,
        purpose,
        producers="mapping",
        consumers="users",
        key=f"{CONNECTION}/<entity_id>",
        partitions=6,
        retention_days=None,
    )
    for name, purpose in [
        *(
            (entity_topic_name(entity), f"Every {entity.replace('_', ' ')}, normalized.")
            for entity in ENTITIES
        ),
        ("entities.custom", "Records of custom objects; each event names its object."),
    ]
)


TOPICS: tuple[Topic, ...] = (
    SYNC_REQUESTS,
    COMMANDS_CONNECTOR,
    COMMANDS_HEALTH,
    COMMANDS_MAPPING,
    COMMANDS_NOTIFIER,
    COMMAND_RESULTS,
    CONNECTIONS,
    MAPPINGS,
    WEBHOOK_ENDPOINTS,
    ALERT_CHANNELS,
    RECORDS_RAW,
    CONNECTION_CALLS,
    CONNECTION_STATUS,
    CONNECTION_EVENTS,
    SYNC_EVENTS,
    MAPPING_EVENTS,
    NOTIFICATION_EVENTS,
    DEAD_LETTERS,
    *ENTITY_TOPICS,
)
