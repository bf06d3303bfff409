import typer

from lineshaft.cli import dead_letters

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Lineshaft for operators.")
app.add_typer(dead_letters.app, name="dlq")


@app.callback()
def root() -> None:
    """Settings come from the environment: KAFKA_BOOTSTRAP_SERVERS, LINESHAFT_TOPIC_PREFIX."""


if __name__ == "__main__":
    app()
