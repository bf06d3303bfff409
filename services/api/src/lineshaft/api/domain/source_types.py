"""The type of a custom field for a type of the source, as databases, ERPs and JSON schemas call theirs."""

import re
from collections.abc import Sequence

_TYPES: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), ours)
    for pattern, ours in (
        (r"bool(ean)?$|bit(\(1\))?$|tinyint\(1\)$|check$", "boolean"),
        (r".*\[\]$|json|(array|dict|list|object)$", "json"),
        (r"(small|big|medium|tiny)?int(eger)?\d*\b|(small|big)?serial\d?$|s?byte$", "integer"),
        (
            r"(numeric|decimal|number|float\d*|double|real|money|monetary|currency|percent|single)\b",
            "decimal",
        ),
        (r"date$", "date"),
        (r"timestamp|datetime", "timestamp"),
        (r"[a-z ]*(text|html)", "text"),
    )
)


def custom_type(source_type: str) -> str:
    """`string` where nothing more is known: it takes every value."""
    lowered = source_type.lower()
    return next((ours for theirs, ours in _TYPES if theirs.match(lowered)), "string")
