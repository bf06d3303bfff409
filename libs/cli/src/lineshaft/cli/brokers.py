"""Which Kafka the commands talk to: that of the environment, or the local stack's of this folder."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from aiokafka.errors import KafkaConnectionError

from lineshaft.cli.access import BROKERS, stack_unless_named
from lineshaft.common.settings import Settings

Answer = TypeVar("Answer")


def kafka_settings() -> Settings:
    """Those of the environment; where it names no broker, the local stack's."""
    settings = Settings()
    broker = stack_unless_named().get("kafka_bootstrap")
    if broker and "kafka_bootstrap_servers" not in settings.model_fields_set:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": broker})
    return settings


def on_kafka(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What the work returns; a broker that does not answer ends the command with one line that says so."""
    try:
        return asyncio.run(work)
    except KafkaConnectionError as error:
        typer.echo(
            f"no Kafka broker answers at {kafka_settings().kafka_bootstrap_servers}: "
            f"set {BROKERS} to one that can be reached from here, or start it",
            err=True,
        )
        raise typer.Exit(1) from error
