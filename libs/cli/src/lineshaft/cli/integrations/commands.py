"""`lineshaft integrations new|validate|expect`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lineshaft.cli.integrations.expected import write_expected
from lineshaft.cli.integrations.folder import Examined, examine, names_of
from lineshaft.cli.integrations.scaffold import scaffold
from lineshaft.cli.integrations.table import HEADER, row
from lineshaft.cli.table import aligned
from lineshaft.common.integrations import IntegrationError, System

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Folders of source systems.")
Folder = Annotated[
    Path,
    typer.Option("--folder", envvar="LINESHAFT_INTEGRATIONS_DIR", help="Where the systems' folders are."),
]
HERE = Path("integrations")


@app.command()
def validate(
    name: Annotated[str | None, typer.Argument(help="One system; all of them otherwise.")] = None,
    folder: Folder = HERE,
) -> None:
    """A table of what each system can do, and every fault with its file, line and key; exit code 1 if any."""
    names = names_of(folder)
    if not names:
        raise typer.BadParameter(f"there is no system in {folder}: name the folder with --folder")
    if name is not None and name not in names:
        raise typer.BadParameter(f"there is no system {name!r} in {folder}; there are {', '.join(names)}")
    examined = [examine(folder / one) for one in names if name in (None, one)]
    typer.echo(aligned([HEADER, *(row(one) for one in examined)]))
    _show(examined)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, _ and -.")],
    protocol: Annotated[
        Literal["rest", "odata", "sql"],
        typer.Option(help="How the system speaks.", prompt="How the system speaks"),
    ],
    folder: Folder = HERE,
) -> None:
    """A folder that loads at once and says by TODO lines what is missing."""
    try:
        place = scaffold(folder, name, protocol)
    except (FileExistsError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{place} is there; `lineshaft integrations validate {name}` lists what is still to do")


@app.command()
def expect(
    name: Annotated[str, typer.Argument(help="One system.")],
    folder: Folder = HERE,
) -> None:
    """Write the entities that the mapping makes of the recorded answers, for you to read and to keep."""
    try:
        system = System.load(folder / name)
        written = write_expected(folder / name, system)
    except IntegrationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for file in written:
        typer.echo(f"{file}: read it before you keep it")


def _show(examined: list[Examined]) -> None:
    faults = [fault for one in examined for fault in one.faults]
    for fault in faults:
        typer.echo(str(fault), err=True)
    if faults:
        typer.echo(f"{len(faults)} faults", err=True)
        raise typer.Exit(1)
