"""`lineshaft mappings export|diff|apply`: a connection's mapping as a file in a repository."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from lineshaft.cli.access import api

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Mappings of a connection as YAML files.")
Id = Annotated[str, typer.Argument(help="`con_...`")]
Entity = Annotated[str, typer.Argument(help="`work_order`, or `custom:<object>`.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `export` wrote.")]


@app.command()
def export(connection_id: Id, entity: Entity) -> None:
    """The changes to the default, on standard output."""
    with api() as lineshaft:
        typer.echo(lineshaft.connection(connection_id).mapping_file(entity), nl=False)


@app.command()
def diff(connection_id: Id, entity: Entity, file: File) -> None:
    """What `apply` would change; ends with 1 where there is something."""
    with api() as lineshaft:
        there = lineshaft.connection(connection_id).mapping_file(entity)
    lines = list(
        difflib.unified_diff(
            there.splitlines(keepends=True),
            file.read_text(encoding="utf-8").splitlines(keepends=True),
            f"{connection_id}/{entity}",
            str(file),
        )
    )
    typer.echo("".join(lines), nl=False)
    raise typer.Exit(1 if lines else 0)


@app.command("apply")
def apply_file(connection_id: Id, entity: Entity, file: File) -> None:
    """In force at once, as a new version."""
    with api() as lineshaft:
        taken = lineshaft.connection(connection_id).apply_mapping_file(
            entity, file.read_text(encoding="utf-8")
        )
    typer.echo(f"{entity}: version {taken['version']}")
