"""Where webhooks are sent to, and what became of each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from lineshaft.client import answers
from lineshaft.client.transport import Transport


class WebhookEndpoints:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Iterator[answers.WebhookEndpoint]:
        return self._transport.pages("/webhook-endpoints")

    def create(
        self,
        url: str,
        *,
        event_types: Sequence[str] = (),
        connection_ids: Sequence[str] = (),
        description: str = "",
        **options: Any,
    ) -> answers.CreatedWebhookEndpoint:
        """All events of all connections by default; options are `ordered` and `max_per_second`.

        Store its `secret`, with which `webhooks.verify` takes events in: it is given once.
        """
        body = {
            "url": url,
            "event_types": event_types,
            "connection_ids": connection_ids,
            "description": description,
            **options,
        }
        answer: answers.CreatedWebhookEndpoint = self._transport.send("POST", "/webhook-endpoints", body)
        return answer

    def change(self, endpoint_id: str, **changes: Any) -> answers.WebhookEndpoint:
        """Of what `create` takes, and `enabled`."""
        answer: answers.WebhookEndpoint = self._transport.send("PATCH", _path(endpoint_id), changes)
        return answer

    def delete(self, endpoint_id: str) -> None:
        self._transport.send("DELETE", _path(endpoint_id))

    def rotate_secret(self, endpoint_id: str) -> str:
        """The new secret; what is sent is signed with both for a while."""
        answer: str = self._transport.send("POST", _path(endpoint_id, "/rotate-secret"))["secret"]
        return answer

    def test(self, endpoint_id: str) -> str | None:
        """Sends an `endpoint.test` event; its delivery's id, None where it takes longer."""
        answer: str | None = self._transport.send("POST", _path(endpoint_id, "/test"))["delivery_id"]
        return answer

    def deliveries(self, endpoint_id: str, *, state: str | None = None) -> Iterator[answers.Delivery]:
        """Newest first; states are `due`, `delivered`, `given_up` and `cancelled`."""
        return self._transport.pages(_path(endpoint_id, "/deliveries"), state=state)

    def redeliver(self, delivery_id: str) -> None:
        """The same event again, with the same `webhook-id`."""
        self._transport.send("POST", f"/deliveries/{delivery_id}/redeliver")

    def replay(
        self,
        endpoint_id: str,
        since: datetime,
        *,
        until: datetime | None = None,
        only_undelivered: bool = False,
    ) -> str | None:
        """Everything of a time again; the replay's id, None where it takes longer."""
        body = {"since": since, "until": until, "only": "undelivered" if only_undelivered else "all"}
        answer: str | None = self._transport.send("POST", _path(endpoint_id, "/replay"), body)["replay_id"]
        return answer

    def replays(self, endpoint_id: str) -> Iterator[dict[str, Any]]:
        """How far each is, newest first."""
        return self._transport.pages(_path(endpoint_id, "/replays"))


def _path(endpoint_id: str, below: str = "") -> str:
    return f"/webhook-endpoints/{endpoint_id}{below}"
