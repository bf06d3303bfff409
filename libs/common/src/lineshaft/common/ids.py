"""Identifiers: sortable by time where new, stable hashes where derived."""

import os
import time
from typing import NewType

import xxhash

ConnectionId = NewType("ConnectionId", str)


def new_id(prefix: str) -> str:
    """`<prefix>_` and 32 hex digits that sort by time (the layout of a UUID of version 7, RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"


def derived_id(prefix: str, *parts: object) -> str:
    """The same id for the same parts, so that work done twice is told once."""
    return f"{prefix}_{xxhash.xxh3_128_hexdigest(chr(31).join(map(str, parts)).encode())}"
