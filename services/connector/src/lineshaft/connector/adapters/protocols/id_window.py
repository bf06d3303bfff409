"""Which rows a page holds, where pages go by id: those behind the last one that was read.

An incremental read takes rows written since the last one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from lineshaft.connector.adapters.protocols.paging import PageRepeatedError
from lineshaft.connector.adapters.protocols.window import Window


class _Key(msgspec.Struct):
    id: int


_KEY = msgspec.json.Decoder(_Key)
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])


def after(window: Window) -> int:
    """The id that all rows of the page lie behind."""
    return int(window.position or 0)


def cut(rows: msgspec.Raw | memoryview) -> list[bytes]:
    """The records of a page, each as it came."""
    records: list[Any] = _RECORDS.decode(rows)
    return records


def advanced(window: Window, records: Sequence[bytes], now: datetime) -> Window:
    """The window after this page; of the records only the keys of the first and the last are decoded.

    Raises:
        PageRepeatedError: the page does not lie behind the one before it.
        msgspec.DecodeError: a record is no object with an id.
    """
    window = window.begun(now)
    if not records:
        return window
    first, last = _KEY.decode(records[0]).id, _KEY.decode(records[-1]).id
    if first <= after(window) or last < first:
        raise PageRepeatedError
    return replace(window, position=last)
