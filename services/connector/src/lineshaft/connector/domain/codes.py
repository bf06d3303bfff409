"""The codes that a source itself declares for a field, in the form in which mappings look them up."""

from collections.abc import Iterable, Mapping
from typing import Any

MOST = 500
"""More are a catalogue, and no list of codes."""
LONGEST_LABEL = 200


def declared_codes(pairs: Iterable[tuple[Any, Any]]) -> Mapping[str, str]:
    """From code and label; no code, which stands for no value, is left out."""
    codes: dict[str, str] = {}
    for code, label in pairs:
        if code is None or code == "":
            continue
        if len(codes) == MOST:
            return {}
        name = str(code).lower() if isinstance(code, bool) else str(code)
        codes[name] = name if label is None or label == "" else str(label)[:LONGEST_LABEL]
    return codes


def listed_codes(selection: Any) -> Mapping[str, str]:
    """From the list of pairs that Tryton and Odoo answer; Tryton may name a method of its own instead."""
    if not isinstance(selection, list):
        return {}
    return declared_codes(
        (one[0], one[1]) for one in selection if isinstance(one, list) and len(one) == _PAIR
    )


_PAIR = 2
