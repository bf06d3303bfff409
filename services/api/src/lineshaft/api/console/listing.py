"""One page of a list, as every table of the console shows it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query

from lineshaft.api.routes.paging import Page

ROWS = 50

After = Annotated[str, Query(max_length=1000)]
"""Where the page begins; empty: at the first row."""


def listed(found: Page[Any] | Mapping[str, Any], after: str) -> dict[str, Any]:
    """`found` is what the API's own route answers."""
    if isinstance(found, Page):
        return {"rows": found.data, "next": found.next_cursor, "after": after}
    return {"rows": found["data"], "next": found["next_cursor"], "after": after}
