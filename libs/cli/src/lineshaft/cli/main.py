import typer

from lineshaft.cli import (
    connections,
    dead_letters,
    environment,
    keys,
    mappings,
    offsets,
    syncs,
    tail,
    webhooks,
)
from lineshaft.cli.integrations import commands as integrations

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(connections.app, name="connections")
app.command("sync")(syncs.sync)
app.command("env")(environment.env)
app.add_typer(mappings.app, name="mappings")
app.command("tail")(tail.tail)
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(keys.app, name="keys")
app.add_typer(integrations.app, name="integrations")
app.add_typer(offsets.app, name="offsets")


@app.callback()
def root() -> None:
    """Lineshaft for developers, operators and integrators.

    `connections`, `sync`, `mappings` and `webhooks` use the API: set LINESHAFT_URL, and LINESHAFT_KEY to an
    admin key. `tail`, `dlq` and `offsets` use Kafka: set KAFKA_BOOTSTRAP_SERVERS. Without these, the stack
    that `make up` started in this folder is used.
    """


if __name__ == "__main__":
    app()
