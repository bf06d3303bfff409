import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.cache import cached, recipe_hash


def python_environment(
    cache: Path, name: str, requirements: Sequence[tuple[Path, Sequence[str]]], starts: Callable[[], None]
) -> Path:
    """The interpreter of an environment of its own, built when its pins are new.

    `requirements` are files with hashes, each with what the installer is told besides; `starts` is called
    where there is something to build.
    """

    def build(folder: Path) -> None:
        starts()
        environment = folder / "environment"
        interpreter = str(environment / "bin" / "python")
        if shutil.which("uv"):
            build_step("uv venv", ["uv", "venv", "-q", "--python", sys.executable, environment])
            install = ["uv", "pip", "install", "-q", "--python", interpreter]
        else:
            build_step("venv", [sys.executable, "-m", "venv", environment])
            install = [interpreter, "-m", "pip", "install", "-q"]
        for file, options in requirements:
            build_step(f"installing {name}", [*install, *options, "--require-hashes", "-r", file])

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = recipe_hash([file for file, _ in requirements], version)
    return cached(cache / f"{name}-{pins}", build) / "environment" / "bin" / "python"
