"""Whom the commands talk to: `LINESHAFT_URL` with `LINESHAFT_KEY`, or the local stack of this folder."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from lineshaft.client import Lineshaft
from lineshaft.client.problems import LineshaftClientError
from lineshaft.common.settings import Settings

URL = "LINESHAFT_URL"
KEY = "LINESHAFT_KEY"
LOCAL_STACK = Path("var/stack.json")


@contextmanager
def api() -> Iterator[Lineshaft]:
    """The API with the caller's key; what it refuses ends the command with one line that says why."""
    local = _local_stack()
    url = os.environ.get(URL) or local.get("api_url")
    key = os.environ.get(KEY) or local.get("admin_key")
    if not url or not key:
        typer.echo(f"set {URL} and {KEY} (an admin key), or start the local stack here: make demo", err=True)
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
    broker = _local_stack().get("kafka_bootstrap")
    if broker and "kafka_bootstrap_servers" not in settings.model_fields_set:
        settings = settings.model_copy(update={"kafka_bootstrap_servers": broker})
    return settings


def _local_stack() -> dict[str, Any]:
    if os.environ.get(URL) or os.environ.get(KEY):
        return {}
    try:
        state: dict[str, Any] = json.loads(LOCAL_STACK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return state
