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

URL = "LINESHAFT_URL"
KEY = "LINESHAFT_KEY"
BROKERS = "KAFKA_BOOTSTRAP_SERVERS"
LOCAL_STACK = Path("var/stack.json")


@contextmanager
def api() -> Iterator[Lineshaft]:
    """The API with the caller's key; what it refuses ends the command with one line that says why."""
    local = stack_unless_named()
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


def stack_unless_named() -> dict[str, Any]:
    """Another Lineshaft than that of this folder is meant where the environment names one."""
    return {} if os.environ.get(URL) or os.environ.get(KEY) else local_stack()


def local_stack() -> dict[str, Any]:
    """What the stack of this folder says about itself; nothing where none runs."""
    try:
        state: dict[str, Any] = json.loads(LOCAL_STACK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return state
