"""What comes from anybody at all is refused in one way."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from lineshaft.client.webhooks import WebhookVerificationError, verify

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
BODY = b'{"type": "sync.completed", "timestamp": "2026-01-05T08:00:00Z", "data": {}}'


def signed(body: bytes = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", now, body.decode())
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": signature,
    }


def test_one_of_several_secrets_is_enough() -> None:
    other = SECRET.replace("QUJD", "REVG")
    assert verify([other, SECRET], signed(), BODY)["type"] == "sync.completed"


@pytest.mark.parametrize("signature", ["", "x", "v1,", "v1,abc", "v1,!!", "v1,\u00e9", "v2,abc"])
def test_a_signature_of_any_other_form_is_none(signature: str) -> None:
    with pytest.raises(WebhookVerificationError):
        verify(SECRET, signed() | {"Webhook-Signature": signature}, BODY)


def test_so_is_one_of_another_body() -> None:
    for body in (b"{}", b"\xff\xfe"):
        with pytest.raises(WebhookVerificationError):
            verify(SECRET, signed(), body)
