"""Takes in what Lineshaft sends: Standard Webhooks, verified before anything is believed."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from standardwebhooks import Webhook, WebhookVerificationError

from lineshaft.client import exact_json

__all__ = ["Event", "WebhookVerificationError", "verify"]


class Event(TypedDict):
    type: str
    timestamp: str
    data: dict[str, Any]


def verify(secrets: str | Sequence[str], headers: Mapping[str, str], body: bytes) -> Event:
    """The event, if one of the secrets (`whsec_...`) has signed these very bytes within five minutes.

    The same event may come twice: `headers["webhook-id"]` tells, handle each id once.

    Raises:
        WebhookVerificationError: answer with 401.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for signer in map(Webhook, [secrets] if isinstance(secrets, str) else secrets):
        try:
            signer.verify(body, lower)
            event: Event = exact_json.decode(body)
        except (WebhookVerificationError, ValueError):  # the latter for headers and bodies of any other form
            continue
        return event
    raise WebhookVerificationError("no matching signature within five minutes")
