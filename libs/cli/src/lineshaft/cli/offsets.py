"""`lineshaft offsets after-restore`: Kafka and a restored Postgres, which is older, agree again.

- Records are read again from the source: what lies on `records.raw` is passed over.
- Health and syncs since the backup are told again.
- Commands are never repeated, as a write would be made twice.
"""

from datetime import datetime
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError, KafkaError

from lineshaft.cli.brokers import kafka_settings, on_kafka
from lineshaft.cli.partitions import all_partitions
from lineshaft.common import topics
from lineshaft.common.settings import Settings
from lineshaft.common.topics import Topic

PASSED_OVER = (("mapping.records", topics.RECORDS_RAW),)
TOLD_AGAIN = (
    ("health-monitor.calls", topics.CONNECTION_CALLS),
    ("health-monitor.sync-events", topics.SYNC_EVENTS),
    ("notifier.connection-events", topics.CONNECTION_EVENTS),
    ("notifier.sync-events", topics.SYNC_EVENTS),
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Offsets of our consumer groups.")


@app.callback()
def _group() -> None:
    """A group, so that its one command keeps its name."""


@app.command("after-restore")
def after_restore(
    moment: Annotated[str, typer.Argument(help="When the backup began: 2026-01-31T04:00:00+00:00.")],
) -> None:
    """While the services are stopped, and Postgres holds the backup of that moment."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter("a time with its zone, such as 2026-01-31T04:00:00+00:00")
    settings = kafka_settings()
    for group, topic in PASSED_OVER:
        on_kafka(_move(settings, group, topic, None))
        typer.echo(f"{group}: behind all that is on {topic.name}")
    for group, topic in TOLD_AGAIN:
        on_kafka(_move(settings, group, topic, at))
        typer.echo(f"{group}: back to {at.isoformat()} on {topic.name}")


async def _move(settings: Settings, group: str, topic: Topic, at: datetime | None) -> None:
    """To the end, or to what came from `at` on."""
    name = settings.topic_prefix + topic.name
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=f"{settings.topic_prefix}{group}",
        enable_auto_commit=False,
        **settings.kafka_security.for_client(),
    )
    try:
        await consumer.start()
        partitions = await all_partitions(consumer, topic, name)
        consumer.assign(partitions)
        offsets = dict(await consumer.end_offsets(partitions))
        if at is not None:
            since = int(at.timestamp() * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
            offsets |= {partition: one.offset for partition, one in found.items() if one is not None}
        await consumer.commit(offsets)
    except KafkaConnectionError:
        raise
    except KafkaError as error:
        raise typer.BadParameter(f"{group} cannot be moved; are all services stopped? {error!r}") from error
    finally:
        await consumer.stop()
