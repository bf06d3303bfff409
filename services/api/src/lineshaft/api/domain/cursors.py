"""Opaque cursors: where a page ended, and which order that place belongs to."""

import base64
from collections.abc import Sequence

import orjson

from lineshaft.api.domain.problems import invalid


def encode(order: str, *place: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order, *place])).decode().rstrip("=")


def decode(cursor: str, order: str, parts: int) -> Sequence[str]:
    """The place that `encode` was given.

    Raises:
        ProblemError: not a cursor of this list and order.
    """
    try:
        value = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        value = None
    if (
        not isinstance(value, list)
        or len(value) != parts + 1
        or not all(isinstance(part, str) for part in value)
        or value[0] != order
    ):
        raise invalid("cursor", "take it unchanged from the next_cursor of the page before")
    return value[1:]
