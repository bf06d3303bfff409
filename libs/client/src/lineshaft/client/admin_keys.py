"""Keys for the parts of your back end, each with what it needs and no more."""

from collections.abc import Collection, Iterator
from datetime import datetime

from lineshaft.client import answers
from lineshaft.client.transport import Transport

DAY = 24 * 3600


class AdminKeys:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Iterator[answers.AdminKey]:
        """Keys that ended, too."""
        return self._transport.pages("/admin-keys")

    def create(
        self, name: str, scopes: Collection[str], *, expires_at: datetime | None = None
    ) -> answers.CreatedAdminKey:
        """`scopes` are of `read`, `connect` and `manage`. Store its `key`: it is given once."""
        body = {"name": name, "scopes": sorted(scopes), "expires_at": expires_at}
        answer: answers.CreatedAdminKey = self._transport.send("POST", "/admin-keys", body)
        return answer

    def rotate(self, key_id: str, *, overlap_seconds: int = DAY) -> answers.CreatedAdminKey:
        """A new key in its place; the old one works on for the overlap."""
        body = {"overlap_seconds": overlap_seconds}
        answer: answers.CreatedAdminKey = self._transport.send("POST", f"/admin-keys/{key_id}/rotate", body)
        return answer

    def revoke(self, key_id: str) -> None:
        """It works no more from now on."""
        self._transport.send("DELETE", f"/admin-keys/{key_id}")
