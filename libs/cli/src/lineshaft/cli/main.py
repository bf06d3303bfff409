import typer

from lineshaft.cli import dead_letters, keys, offsets
from lineshaft.cli.integrations import commands as integrations

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Lineshaft for operators.")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(keys.app, name="keys")
app.add_typer(integrations.app, name="integrations")
app.add_typer(offsets.app, name="offsets")


@app.callback()
def root() -> None:
    """Settings come from the environment, as the services' do: KAFKA_BOOTSTRAP_SERVERS and LINESHAFT_..."""


if __name__ == "__main__":
    app()
