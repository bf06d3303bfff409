"""What a receiver gets: Standard Webhooks' `type`, `timestamp` and `data`."""

from datetime import datetime
from typing import Any

import orjson

from lineshaft.common import exact_json

REAUTHORIZATION_REQUIRED = "connection.reauthorization_required"


def body(event_type: str, at: datetime, data: dict[str, Any], link: str | None = None) -> bytes:
    """The bytes to sign and send; `link` is where the customer reconnects."""
    if link is not None:
        data = {**data, "reauthorize_url": link}
    content = {"type": event_type, "timestamp": at, "data": data}
    return exact_json.encode(content, option=orjson.OPT_UTC_Z)
