"""Names and values of records as people read them."""

from datetime import UTC, datetime
from typing import Any

_WORDS = {"uom": "unit of measure", "url": "URL", "id": "ID"}


def plain(text: str) -> str:
    """`work_order` as `Work order`, `custom:lot` as `Lot`, `source_url` as `Source URL`."""
    words = " ".join(_WORDS.get(word, word) for word in text.removeprefix("custom:").split("_"))
    return words[:1].upper() + words[1:]


def moment(at: datetime | str) -> str:
    """`24 November 2026, 18:02 UTC`, for a page that cannot know the reader's zone."""
    then = datetime.fromisoformat(at) if isinstance(at, str) else at
    then = then.astimezone(UTC)
    return f"{then.day} {then:%B %Y, %H:%M} UTC"


def value(anything: Any) -> str:
    """One value of a record, on one line."""
    if anything is None:
        return ""
    if isinstance(anything, bool):
        return "yes" if anything else "no"
    if isinstance(anything, dict):
        shown = anything.get("display") or anything.get("label") or anything.get("code")
        if shown is None and "amount" in anything:
            shown = f"{anything['amount']} {anything.get('currency') or ''}".strip()
        if shown is None and "value" in anything:
            shown = f"{anything['value']} {anything.get('uom') or ''}".strip()
        return str(shown if shown is not None else anything.get("source_id") or anything)
    if isinstance(anything, list):
        return f"{len(anything)} item{'s' if len(anything) != 1 else ''}" if anything else ""
    return str(anything)
