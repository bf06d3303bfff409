"""`lineshaft admin-keys list|create|rotate|revoke`: keys of the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import aligned, document
from lineshaft.client.answers import AdminKey, CreatedAdminKey

app = typer.Typer(no_args_is_help=True, help="Admin keys: one for each part of your back end.")
Id = Annotated[str, typer.Argument(help="`key_...`, as `list` shows it; never the key itself.")]


@app.command("list")
def list_keys(
    *, as_json: Annotated[bool, typer.Option("--json", help="The API's answer, for programs.")] = False
) -> None:
    """All of them, those that ended, too."""
    with api() as lineshaft:
        found = list(lineshaft.admin_keys.list())
    if as_json:
        typer.echo(document(found))
    else:
        header = ("key", "name", "scopes", "state", "ends", "last used")
        typer.echo(aligned([header, *map(_row, found)]))


def _row(one: AdminKey) -> tuple[str, ...]:
    ends, used = one["expires_at"], one["last_used_at"]
    scopes = ",".join(one["scopes"])
    return (
        one["id"],
        one["name"],
        scopes,
        one["state"],
        ends[:10] if ends else "-",
        used[:16] if used else "-",
    )


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="read, connect or manage; several times for several.")],
    *,
    days: Annotated[int | None, typer.Option(min=1, help="It ends after so many; never without.")] = None,
) -> None:
    """A new key, shown this once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with api() as lineshaft:
        _show(lineshaft.admin_keys.create(name, scope, expires_at=expires_at))


@app.command()
def rotate(
    key_id: Id,
    *,
    overlap_hours: Annotated[int, typer.Option(min=0, help="How long the old one works on.")] = 24,
) -> None:
    """A new key of the same name and scopes, shown this once."""
    with api() as lineshaft:
        _show(lineshaft.admin_keys.rotate(key_id, overlap_seconds=overlap_hours * 3600))


@app.command()
def revoke(key_id: Id) -> None:
    """It works no more from now on."""
    with api() as lineshaft:
        lineshaft.admin_keys.revoke(key_id)


def _show(created: CreatedAdminKey) -> None:
    """The key alone on standard output, so that a script can take it."""
    typer.echo(f"{created['id']} for {created['name']}; store the key, it is shown this once", err=True)
    typer.echo(created["key"])
