import typer

from lineshaft.cli import connections, dead_letters, keys, mappings, offsets, syncs, tail, webhooks
from lineshaft.cli.integrations import commands as integrations

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lineshaft for developers, operators and integrators.",
)
app.add_typer(connections.app, name="connections")
app.command("sync")(syncs.sync)
app.add_typer(mappings.app, name="mappings")
app.command("tail")(tail.tail)
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(keys.app, name="keys")
app.add_typer(integrations.app, name="integrations")
app.add_typer(offsets.app, name="offsets")


@app.callback()
def root() -> None:
    """Settings come from the environment.

    `connections`, `sync`, `mappings`, `webhooks` use the API: LINESHAFT_URL and LINESHAFT_KEY, an admin key.
    Without them they find the local stack of this folder. The others take what the services take:
    KAFKA_BOOTSTRAP_SERVERS and LINESHAFT_...
    """


if __name__ == "__main__":
    app()
