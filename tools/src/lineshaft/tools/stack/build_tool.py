import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lineshaft.tools.stack.spawner import Command, launch_arguments

_OUTPUT_LINES = 30


class BuildError(RuntimeError):
    """A tool that prepares a part of the stack failed; the message ends with its last output."""


def run_tool(command: Command, *, text: str = "") -> str:
    """Run to the end and answer the output. Like a child, the tool dies with this process."""
    result = subprocess.run(
        launch_arguments(command),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        cwd=command.folder,
        env=dict(command.environment),
    )
    if result.returncode != 0:
        lines = "\n".join(f"  {line}" for line in result.stdout.splitlines()[-_OUTPUT_LINES:])
        raise BuildError(f"{command.name} ended with code {result.returncode}\n{lines}")
    return result.stdout


def build_step(
    name: str,
    arguments: Sequence[str | Path],
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> str:
    """run_tool with this process's environment, `environment` on top."""
    return run_tool(
        Command(
            name=name,
            arguments=tuple(map(str, arguments)),
            environment={**os.environ, **(environment or {})},
            folder=folder,
        )
    )
