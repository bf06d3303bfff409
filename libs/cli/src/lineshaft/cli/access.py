"""Whom the commands talk to: `LINESHAFT_URL` with `LINESHAFT_KEY`, or the local stack of this folder."""

import asyncio
import json
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import typer
from aiokafka.errors import KafkaConnectionError

from lineshaft.client import Lineshaft
from lineshaft.client.problems import LineshaftClientError
from lineshaft.common.settings import Settings

URL = "LINESHAFT_URL"
KEY = "LINESHAFT_KEY"
BROKERS = "KAFKA_BOOTSTRAP_SERVERS"
LOCAL_STACK = Path("var/stack.json")

Answer = TypeVar("Answer")


@contextmanager
def api() -> Iterator[Lineshaft]:
    """The API with the caller's key; what it refuses ends the command with one line that says why."""
    local = _stack_unless_named()
    url = os.environ.get(URL) or local.get("api_url")
    key = os.environ.get(KEY) or local.get("admin_key")
    if not url or not key:
        missing = " and ".join(name for name, value in ((URL, url), (KEY, key)) if not value)
        typer.echo(f"set {missing} ({KEY} is an admin key), or start the local stack here: make up", err=True)
        raise typer.Exit(2)
    try:
        with Lineshaft(url, key) as lineshaft:
            yield lineshaft
    except (LineshaftClientError, TimeoutError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def kafka_settings() -> Settings:
    """Those of the environment; where it names no broker, the local stack's."""
    settings = Settings()
    broker = _stack_unless_named().get("kafka_bootstrap")
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


def _stack_unless_named() -> dict[str, Any]:
    """Another Lineshaft than that of this folder is meant where the environment names one."""
    return {} if os.environ.get(URL) or os.environ.get(KEY) else local_stack()


def local_stack() -> dict[str, Any]:
    """What the stack of this folder says about itself; nothing where none runs."""
    try:
        state: dict[str, Any] = json.loads(LOCAL_STACK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return state
