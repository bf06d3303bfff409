"""JSON documents as text for people."""

from collections.abc import Mapping, Sequence
from typing import Any

INDENT = "  "


def as_text(value: Any, indent: str = "") -> str:
    """Names with their values, lists as blocks; what is empty is left out."""
    match value:
        case Mapping():
            return "".join(_named(str(name), item, indent) for name, item in value.items() if _shown(item))
        case str():
            return f"{indent}{value}\n"
        case Sequence() if all(_is_plain(item) for item in value):
            return f"{indent}{', '.join(map(_plain, value))}\n"
        case Sequence():
            return "\n".join(as_text(item, indent) for item in value)
        case _:
            return f"{indent}{_plain(value)}\n"


def _named(name: str, item: Any, indent: str) -> str:
    label = name.replace("_", " ")
    if _is_plain(item):
        return f"{indent}{label}: {_plain(item)}\n"
    if isinstance(item, Sequence) and all(_is_plain(one) for one in item):
        return f"{indent}{label}: {', '.join(map(_plain, item))}\n"
    return f"{indent}{label}:\n{as_text(item, indent + INDENT)}"


def _shown(item: Any) -> bool:
    return item is not None and item not in ("", [], {})


def _is_plain(item: Any) -> bool:
    return isinstance(item, str) or not isinstance(item, Mapping | Sequence)


def _plain(item: Any) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    return str(item)
