"""The beginning of a system's folder, made from the templates beside this module."""

import re
from importlib.resources import files
from pathlib import Path

SHARED = ("README.md", "mapping.yaml")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def scaffold(folder: Path, name: str, protocol: str) -> Path:
    """The new folder.

    Raises:
        ValueError: the name cannot be one of a system.
        FileExistsError: the folder is there.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name: a lower-case letter, then 62 letters, digits, _ and - at most"
        )
    place = folder / name
    if place.exists():
        raise FileExistsError(f"{place} is there already")
    (place / "fixtures").mkdir(parents=True)
    templates = files("lineshaft.cli.integrations") / "templates"
    label = name.replace("_", " ").replace("-", " ").title()
    sources = {"manifest.yaml": f"{protocol}.yaml"} | {one: one for one in SHARED}
    for target, source in sources.items():
        text = (templates / source).read_text(encoding="utf-8")
        (place / target).write_text(text.replace("@NAME@", name).replace("@LABEL@", label), encoding="utf-8")
    return place
