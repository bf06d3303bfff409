"""What a receiver gets: Standard Webhooks' `type`, `timestamp` and `data`."""

from datetime import datetime
from typing import Any

import orjson

REAUTHORIZATION_REQUIRED = "connection.reauthorization_required"


def body(event_type: str, at: datetime, data: dict[str, Any], link: str | None = None) -> bytes:
    """The bytes to sign and send; `link` is where the customer reconnects."""
    if link is not None:
        data = {**data, "reauthorize_url": link}
    return orjson.dumps({"type": event_type, "timestamp": at, "data": data}, option=orjson.OPT_UTC_Z)
