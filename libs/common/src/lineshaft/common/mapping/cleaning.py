"""Values that JSON, or jsonb in Postgres, cannot hold."""

from typing import Any

from lineshaft.common.mapping.plain import MAX_DEPTH, to_json

_LARGEST = 2**63 - 1
_ESCAPE = b"\\"
_ESCAPED_NUL = b"\\u0000"


def has_escaped_nul(encoded: bytes) -> bool:
    """JSON that Postgres would refuse; a text that only looks like it may be taken for one."""
    # One byte is looked for several times as fast as six.
    return _ESCAPE in encoded and _ESCAPED_NUL in encoded


def clean(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911  one return for each JSON type
    """`value` without NUL characters, lone surrogates, over-long integers and bottomless nesting.

    The first are dropped, the second become `?`, the third decimal strings, the last null.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else str(value)
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {clean(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    return clean(to_json(value), depth + 1)
