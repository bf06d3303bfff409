"""The page of every command, from what its `--help` says."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from lineshaft.cli.main import app
from lineshaft.tools.generate.markdown import page, table


def command_line_page() -> str:
    rows = [
        [f"`{name}`", " ".join(map(_written, command.params)), _said(command)]
        for name, command in _commands(get_command(app), "lineshaft")
    ]
    return page(
        "Command line",
        "[How to use it](../howto/command-line.md). `--help` of a command says what each option means.",
        table(["Command", "Takes", "Does"], rows),
    )


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield name, command
        return
    for below, one in command.commands.items():
        yield from _commands(one, f"{name} {below}")


def _written(parameter: Any) -> str:
    """`CONNECTION_ID`, `[--limit]`."""
    is_option = parameter.param_type_name == "option"
    name = max(parameter.opts, key=len) if is_option else parameter.name.upper()
    return f"`{name}`" if parameter.required else f"`[{name}]`"


def _said(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())
