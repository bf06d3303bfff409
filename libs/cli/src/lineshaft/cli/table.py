"""Rows for a terminal."""

from collections.abc import Sequence
from typing import Any

from lineshaft.client import exact_json


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(one, widths, strict=True)).rstrip() for one in rows
    )


def document(answer: Any) -> str:
    """As JSON, with all digits that the API gave."""
    return exact_json.encode(answer, indent=2).decode()


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
