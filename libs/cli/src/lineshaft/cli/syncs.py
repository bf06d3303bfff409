"""`lineshaft sync CONNECTION`: read the source now."""

from typing import Annotated

import typer

from lineshaft.cli.access import api
from lineshaft.cli.table import counted

app = typer.Typer(add_completion=False)


@app.command()
def sync(
    connection_id: Annotated[str, typer.Argument(help="`con_...`")],
    *,
    entity: Annotated[list[str] | None, typer.Option(help="Only these; all without one.")] = None,
    full: Annotated[bool, typer.Option(help="Everything, in place of what changed.")] = False,
    wait: Annotated[bool, typer.Option(help="Until all records are readable.")] = True,
) -> None:
    """Read the source now, and say what came of it."""
    with api() as lineshaft:
        connection = lineshaft.connection(connection_id)
        request_id = connection.sync(entity, full=full)
        if not wait:
            typer.echo(request_id)
            return
        done = connection.wait_for_sync(request_id)
    typer.echo(f"{done['sync_id']} {done['result']}: {counted(done['records'] or 0, 'record')}")
