from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS: Mapping[str, str] = {
    "connections": "connections",
    "sync": "syncs",
    "env": "environment",
    "mappings": "mappings",
    "objects": "objects",
    "tail": "tail",
    "webhooks": "webhooks",
    "endpoints": "endpoints",
    "admin-keys": "admin_keys",
    "dlq": "dead_letters",
    "keys": "keys",
    "integrations": "integrations.commands",
    "offsets": "offsets",
}
"""Each command with the module whose `app` it is."""


class OnDemand(Mapping[str, Any]):
    """Imports what a command needs when it is called: clients of Kafka and Postgres cost most of a second."""

    def __getitem__(self, name: str) -> Any:
        command = typer.main.get_command(import_module(f"lineshaft.cli.{COMMANDS[name]}").app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = OnDemand()  # type: ignore[assignment]  # nothing is put into it


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """Lineshaft for developers, operators and integrators.

    `connections`, `sync`, `mappings`, `objects`, `webhooks`, `endpoints` and `admin-keys` use the API: set
    LINESHAFT_URL, and LINESHAFT_KEY to an admin key. `tail`, `dlq` and `offsets` use Kafka: set
    KAFKA_BOOTSTRAP_SERVERS. Without these, the stack that `make up` started in this folder is used.
    """


if __name__ == "__main__":
    app()
