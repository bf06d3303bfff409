"""`lineshaft env`: the local stack's addresses and keys as variables of a shell."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from lineshaft.cli.access import BROKERS, local_stack

app = typer.Typer(add_completion=False)


@app.command()
def env() -> None:
    """Addresses and keys of the stack of this folder, to be taken by a shell: eval "$(lineshaft env)"."""
    state = local_stack()
    if not state.get("ready"):
        typer.echo("no stack runs in this folder: make up", err=True)
        raise typer.Exit(1)
    for name, value in _variables(state):
        typer.echo(f"export {name}={shlex.quote(value)}")


def _variables(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """As the guides call them; the connection is the one that the demo made."""
    yield "API", state["api_url"]
    yield "ADMIN_KEY", state["admin_key"]
    yield BROKERS, state["kafka_bootstrap"]
    for connection in state["connections"][:1]:
        yield "ID", connection["id"]
        yield "TOKEN", connection["token"]
