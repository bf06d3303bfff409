"""What the audit log keeps of a change."""

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any] | None


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Values, Values]:
    """Both without what they have in common; a value that is new or gone stands on one side only."""
    if before is None or after is None:
        return (dict(before) if before is not None else None, dict(after) if after is not None else None)
    return (
        {name: value for name, value in before.items() if name not in after or after[name] != value},
        {name: value for name, value in after.items() if name not in before or before[name] != value},
    )
