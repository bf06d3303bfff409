"""A window of ids and times as Tryton's search domain.

`write_date` is null until a row is first changed, so `create_date` stands in for it.
"""

from typing import Any

from lineshaft.connector.adapters.protocols.id_window import after
from lineshaft.connector.adapters.protocols.rest_times import tagged
from lineshaft.connector.adapters.protocols.window import Window

CURSOR_FIELDS = ("write_date", "create_date")


def domain_of(window: Window) -> list[Any]:
    clauses: list[Any] = [["id", ">", after(window)]]
    if window.since is not None:
        since = tagged(window.since)
        clauses.append(
            [
                "OR",
                ["write_date", ">=", since],
                [["write_date", "=", None], ["create_date", ">=", since]],
            ]
        )
    return clauses
