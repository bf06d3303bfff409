"""`lineshaft dlq list|show|redrive`: records that were set aside, why, and another try."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition

from lineshaft.cli.brokers import kafka_settings, on_kafka
from lineshaft.cli.partitions import all_partitions
from lineshaft.cli.table import counted
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.settings import Settings
from lineshaft.common.topics import DEAD_LETTERS, TOPICS

OWN_HEADER = "dlq_"
REDRIVEN = "dlq_redriven_from"

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Records that could not be processed.")
Topic = Annotated[str | None, typer.Option(help="Only records of this topic, without the prefix.")]
Id = Annotated[str, typer.Argument(help="`<partition>/<offset>` as `list` shows it.")]


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter as it lies on its topic."""

    id: str
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def reason(self, name: str) -> str:
        """One of our own headers: topic, partition, offset, service, stage, error, message, attempt."""
        return dict(self.headers).get(OWN_HEADER + name, b"").decode(errors="replace")

    def original(self) -> Message:
        """The record as it was before it was set aside."""
        kept = tuple((name, value) for name, value in self.headers if not name.startswith(OWN_HEADER))
        return Message(self.reason("topic"), self.key, self.value, (*kept, (REDRIVEN, self.id.encode())))


async def letters(settings: Settings) -> AsyncGenerator[Letter]:
    """Every dead letter that the topic holds now, oldest first within its partition."""
    name = settings.topic_prefix + DEAD_LETTERS.name
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_auto_commit=False,
        **settings.kafka_security.for_client(),
    )
    try:
        await consumer.start()
        partitions = await all_partitions(consumer, DEAD_LETTERS, name)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        async for letter in _read(consumer, ends):
            yield letter
    finally:
        await consumer.stop()


async def _read(consumer: Any, ends: dict[TopicPartition, int]) -> AsyncGenerator[Letter]:
    open_partitions = {
        partition for partition, end in ends.items() if await consumer.position(partition) < end
    }
    while open_partitions:
        batches = await consumer.getmany(*open_partitions, timeout_ms=1000)
        for partition, records in batches.items():
            for record in records:
                if record.offset < ends[partition]:
                    yield Letter(
                        id=f"{record.partition}/{record.offset}",
                        at=datetime.fromtimestamp(record.timestamp / 1000, tz=UTC),
                        key=record.key,
                        value=record.value,
                        headers=tuple((name, value or b"") for name, value in record.headers),
                    )
        open_partitions = {
            partition for partition in open_partitions if await consumer.position(partition) < ends[partition]
        }


@app.command("list")
def list_letters(topic: Topic = None) -> None:
    """One line per record: id, time, origin, reason."""

    async def run() -> int:
        count = 0
        async for letter in letters(kafka_settings()):
            if topic is None or letter.reason("topic") == topic:
                count += 1
                origin = f"{letter.reason('topic')}/{letter.reason('partition')}/{letter.reason('offset')}"
                typer.echo(
                    f"{letter.id:>10}  {letter.at:%Y-%m-%d %H:%M:%S}  {origin}  {letter.reason('stage')}  "
                    f"{letter.reason('error')}: {letter.reason('message')}",
                )
        return count

    count = on_kafka(run())
    typer.echo(counted(count, "dead letter"), err=True)


@app.command()
def show(letter_id: Id) -> None:
    """One record whole: headers and value."""
    letter = on_kafka(_find(letter_id))
    for name, value in letter.headers:
        typer.echo(f"{name}: {value.decode(errors='replace')}")
    typer.echo(f"key: {(letter.key or b'').decode(errors='replace')}")
    typer.echo("")
    typer.echo((letter.value or b"").decode(errors="replace"))


@app.command()
def redrive(
    letter_id: Annotated[str | None, typer.Argument(help="One record; or choose with --topic.")] = None,
    topic: Topic = None,
) -> None:
    """Publish records to their own topics again. What was handled meanwhile stays as it is."""
    if letter_id is None and topic is None:
        raise typer.BadParameter("name a record or --topic")

    async def run() -> int:
        settings = kafka_settings()
        known = {one.name for one in TOPICS}
        chosen = [
            letter
            async for letter in letters(settings)
            if (letter.id == letter_id or letter.reason("topic") == topic) and letter.reason("topic") in known
        ]
        if letter_id is not None and not any(letter.id == letter_id for letter in chosen):
            raise typer.BadParameter(f"there is no dead letter {letter_id}")
        if any(letter.reason("truncated") == "true" for letter in chosen):
            raise typer.BadParameter("a record was too large to keep whole; it can't be redriven")
        producer = Producer(
            settings.kafka_bootstrap_servers, settings.topic_prefix, "lineshaft-cli", settings.kafka_security
        )
        try:
            await producer.start()
            await producer.publish([letter.original() for letter in chosen])
        finally:
            await producer.stop()
        return len(chosen)

    typer.echo(f"{on_kafka(run())} records published again")


async def _find(letter_id: str) -> Letter:
    async with contextlib.aclosing(letters(kafka_settings())) as found:
        async for letter in found:
            if letter.id == letter_id:
                return letter
    raise typer.BadParameter(f"there is no dead letter {letter_id}")
