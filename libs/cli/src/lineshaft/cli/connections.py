"""`lineshaft connections list|status|errors|diagnose|schedule|pause|resume|disconnect|delete|...`."""

from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import aligned, document
from lineshaft.client.answers import FleetRow, Ladder, Purge

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Customers' connections: their health, and orders to them.",
)
Id = Annotated[str, typer.Argument(help="`con_...`, as `list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer, for programs.")]


@app.command("list")
def list_connections(*, system: str | None = None, as_json: AsJson = False) -> None:
    """All of them, with what is wrong and whose move it is."""
    with api() as lineshaft:
        found = list(lineshaft.fleet(system=system))
    if as_json:
        typer.echo(document(found))
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
        typer.echo(document(lineshaft.connection(connection_id).status()))


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
def diagnose(
    connection_id: Id,
    *,
    object_name: Annotated[str | None, typer.Option("--object", help="Read this one at the end.")] = None,
    as_json: AsJson = False,
) -> None:
    """How far a call to the source gets, rung by rung; ends with 1 where it stops."""
    with api() as lineshaft:
        ladder = lineshaft.connection(connection_id).diagnose(source_object=object_name)
    typer.echo(document(ladder) if as_json else _drawn(ladder))
    raise typer.Exit(1 if ladder["failed_rung"] else 0)


def _drawn(ladder: Ladder) -> str:
    rungs = [
        (one["rung"], one["status"], f"{one['duration_ms']:.0f} ms", one["seen"]) for one in ladder["rungs"]
    ]
    asks = [f"to ask for: {ladder['ask']}"] if ladder["ask"] else []
    return "\n".join([ladder["host"], aligned(rungs), *asks])


@app.command()
def schedule(
    connection_id: Id,
    *,
    every_minutes: Annotated[int | None, typer.Option(help="Read what changed; 0: only on request.")] = None,
    full_every_hours: Annotated[int | None, typer.Option(help="Read everything; 0: on request.")] = None,
) -> None:
    """How often the source is read by itself; changed by the options that are given."""
    with api() as lineshaft:
        connection = lineshaft.connection(connection_id)
        now = connection.schedule()
        if every_minutes is not None or full_every_hours is not None:
            kept = {
                name: {"every_minutes": one["every_minutes"], "full_every_hours": one["full_every_hours"]}
                for name, one in now["objects"].items()
            }
            minutes = now["every_minutes"] if every_minutes is None else every_minutes or None
            hours = now["full_every_hours"] if full_every_hours is None else full_every_hours or None
            connection.set_schedule(every_minutes=minutes, full_every_hours=hours, objects=kept)
            now = connection.schedule()
    typer.echo(document(now))


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
def delete(
    connection_id: Id,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Deletes all that is held of the customer, for good; `receipt` tells what was deleted."""
    with api() as lineshaft:
        connection = lineshaft.connection(connection_id)
        found = connection.describe()
        if not yes:
            name = found["label"] or found["account_label"] or connection_id
            typed = typer.prompt(f"This cannot be undone. Type the name of the connection ({name})")
            if typed.split() != name.split():
                typer.echo("that is another name: nothing was deleted", err=True)
                raise typer.Exit(1)
        connection.delete()
        _show_receipt(connection.purge())


@app.command()
def receipt(connection_id: Id, *, as_json: AsJson = False) -> None:
    """What each service has deleted of a connection, and what on topics expires by itself."""
    with api() as lineshaft:
        purge = lineshaft.connection(connection_id).purge()
    if as_json:
        typer.echo(document(purge))
    else:
        _show_receipt(purge)


def _show_receipt(purge: Purge) -> None:
    rows = [
        (one["service"], one["state"], (one["completed_at"] or "-")[:19], str(sum(one["rows"].values())))
        for one in purge["receipts"]
    ]
    typer.echo(aligned([("service", "state", "at", "rows"), *rows]))
    if purge["topics_until"]:
        typer.echo(f"events that name it expire by {purge['topics_until'][:19]}")
    elif purge["state"] != "completed":
        typer.echo(f"not all are done yet: lineshaft connections receipt {purge['connection_id']}")


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
