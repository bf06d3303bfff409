"""`lineshaft connections list|status|errors|pause|resume|disconnect|reconnect|connect`."""

import json
from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import aligned
from lineshaft.client.answers import FleetRow

app = typer.Typer(no_args_is_help=True, help="Customers' connections: their health, and orders to them.")
Id = Annotated[str, typer.Argument(help="`con_...`, as `list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer, for programs.")]


@app.command("list")
def list_connections(*, system: str | None = None, as_json: AsJson = False) -> None:
    """All of them, with what is wrong and whose move it is."""
    with api() as lineshaft:
        found = list(lineshaft.fleet(system=system))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif not found:
        typer.echo("no connections yet: lineshaft connections connect SYSTEM", err=True)
    else:
        header = ("connection", "system", "label", "status", "since", "move", "verdict")
        typer.echo(aligned([header, *map(_row, found)]))


def _row(one: FleetRow) -> tuple[str, ...]:
    verdict = one["verdict"]
    return (
        one["connection_id"],
        one["system"],
        one["label"] or one["account_label"] or "-",
        one["status"],
        one["since"][:16],
        verdict["move"] if verdict else "-",
        verdict["summary"] if verdict else "-",
    )


@app.command()
def status(connection_id: Id) -> None:
    """Verdict with evidence, objects, breaker: the status document."""
    with api() as lineshaft:
        typer.echo(json.dumps(lineshaft.connection(connection_id).status(), indent=2))


@app.command()
def errors(
    connection_id: Id,
    *,
    object_name: Annotated[str | None, typer.Option("--object", help="Only of this source object.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 20,
) -> None:
    """Calls that failed, newest first."""
    filters = {"object": object_name} if object_name else {}
    with api() as lineshaft:
        for one, _ in zip(lineshaft.connection(connection_id).errors(**filters), range(limit), strict=False):
            what = " ".join(filter(None, (one["object"], one["operation"])))
            typer.echo(
                f"{one['at'][:19]}  {one['outcome']}  {what}  {one['message'] or '-'}  {one['request_id']}"
            )


@app.command()
def pause(connection_id: Id) -> None:
    """Nothing is called until `resume`."""
    with api() as lineshaft:
        lineshaft.connection(connection_id).pause()


@app.command()
def resume(connection_id: Id) -> None:
    """Calls go on where they stopped."""
    with api() as lineshaft:
        lineshaft.connection(connection_id).resume()


@app.command()
def disconnect(connection_id: Id) -> None:
    """Ends it and forgets its credentials; the records stay, and a reconnect brings it back."""
    with api() as lineshaft:
        lineshaft.connection(connection_id).disconnect()


@app.command()
def reconnect(connection_id: Id, *, redirect_url: str | None = None) -> None:
    """A link for the customer, who enters the new secret there; it works once."""
    with api() as lineshaft:
        typer.echo(lineshaft.connection(connection_id).reconnect_link(redirect_url)["url"])


@app.command()
def connect(system: str, *, redirect_url: str | None = None, label: str = "") -> None:
    """A link for a new customer, who connects there; it works once."""
    with api() as lineshaft:
        typer.echo(lineshaft.link(system, redirect_url=redirect_url, label=label)["url"])
