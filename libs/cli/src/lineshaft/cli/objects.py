"""`lineshaft objects list|add|remove`: custom objects of a connection."""

from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import aligned, counted

app = typer.Typer(no_args_is_help=True, help="Custom objects: any table of a source as an entity of its own.")
Id = Annotated[str, typer.Argument(help="`con_...`")]
Name = Annotated[str, typer.Argument(help="Its name in the API: `/v1/objects/NAME`.")]


@app.command("list")
def list_objects(connection_id: Id) -> None:
    """Those that were added, and what they are made from."""
    with api() as lineshaft:
        found = lineshaft.connection(connection_id).custom_objects()
    if not found:
        typer.echo(f"none yet: lineshaft objects add {connection_id} NAME OBJECT", err=True)
        return
    rows = [(one["name"], one["object"], ",".join(one["key"]), str(len(one["fields"]))) for one in found]
    typer.echo(aligned([("name", "from", "key", "fields"), *rows]))


@app.command()
def add(
    connection_id: Id,
    name: Name,
    source_object: Annotated[str, typer.Argument(help="The table, model or collection of the source.")],
    *,
    key: Annotated[list[str] | None, typer.Option(help="Fields that identify a record.")] = None,
    cursor: Annotated[str | None, typer.Option(help="The field that tells when it was changed.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="Only these; all plain ones without.")] = None,
) -> None:
    """Its first sync begins at once."""
    with api() as lineshaft:
        made = lineshaft.connection(connection_id).add_custom_object(
            name, source_object, key=key, cursor=cursor, fields=field
        )
    typer.echo(f"{made['name']}: {counted(len(made['fields']), 'field')} of {made['object']}")


@app.command()
def remove(connection_id: Id, name: Name) -> None:
    """It is read no more and shown no more."""
    with api() as lineshaft:
        lineshaft.connection(connection_id).remove_custom_object(name)
