"""Lineshaft for a vendor's back end, without anything of the services.

    from lineshaft.client import Lineshaft

    with Lineshaft("https://lineshaft.example.com", admin_key) as lineshaft:
        for order in lineshaft.connection("con_1").records("work-orders").list(status="in_progress"):
            ...

`webhooks.verify` takes a webhook in, `entities.consume` reads entities from Kafka (extra `kafka`).
"""

from lineshaft.client.api import Lineshaft
from lineshaft.client.connection import Connection
from lineshaft.client.problems import ProblemError, SyncFailedError, SyncWaitsError, UnreachableError
from lineshaft.client.records import Records

__all__ = [
    "Connection",
    "Lineshaft",
    "ProblemError",
    "Records",
    "SyncFailedError",
    "SyncWaitsError",
    "UnreachableError",
]
