"""What all senders of webhooks send, and where to."""

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

from lineshaft.common.events.health import StatusChanged
from lineshaft.common.outcomes import ConnectionStatus

ENDPOINTS = 10
AT_ONCE = 100
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()

BODY = (
    '{"type":"connection.status_changed","timestamp":"2026-03-01T06:30:00+00:00","data":{"connection_id":'
    '"con_bench","system":"plant","metadata":{"customer":"4711","plant":"north"},"status":"degraded",'
    '"previous_status":"healthy","verdict":null,"issue_id":null}}'
)


def signed(number: int) -> dict[str, str]:
    """The headers of one delivery."""
    moment = datetime.now(UTC)
    identity = f"msg_{number:024}"
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": _SIGNER.sign(identity, moment, BODY),
    }


def an_event(connection_id: str) -> StatusChanged:
    return StatusChanged(
        connection_id=connection_id,
        system="plant",
        metadata={"customer": "4711", "plant": "north"},
        status=ConnectionStatus.DEGRADED,
        previous_status=ConnectionStatus.HEALTHY,
        credential_version=1,
        at=datetime.now(UTC),
    )


_SIGNER = Webhook(SECRET)
