"""The process that sends one message: what to send comes by stdin, what became of it goes to stdout."""

import logging
import sys
from typing import Any

import orjson
from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat

from lineshaft.common.http.addresses import AddressPolicy, ForbiddenAddressError

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
INTERNET_ADDRESS = 2
"""Elements of the address of a socket of the internet, at least; a socket file's address is a text."""


class _Notes(logging.Handler):
    """What apprise says goes wrong, in its own words; they hold no address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


class _Guard:
    """Sees each address before it is dialled, and each process before it is started."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self.refused: str | None = None

    def __call__(self, audited: str, arguments: tuple[Any, ...]) -> None:
        if audited in {"socket.connect", "socket.sendto"}:
            self._check(arguments[1])
        elif audited in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}:
            raise PermissionError("an alert channel starts no process")

    def _check(self, address: object) -> None:
        if not isinstance(address, tuple) or len(address) < INTERNET_ADDRESS:
            raise PermissionError("an alert channel calls network addresses only")
        host = str(address[0])
        try:
            self._policy.check(host, [host])
        except ForbiddenAddressError as error:
            self.refused = str(error)
            raise PermissionError(self.refused) from None


def send(asked: dict[str, Any]) -> str | None:
    guard = _Guard(AddressPolicy(asked["allowed_networks"]))
    sys.addaudithook(guard)
    notes = _Notes()
    logger = logging.getLogger("apprise")
    logger.addHandler(notes)
    logger.propagate = False
    asset = AppriseAsset(app_id="Lineshaft", app_desc="Lineshaft", app_url="", async_mode=False)
    channel = Apprise.instantiate(asked["address"], asset=asset)
    if not isinstance(channel, NotifyBase):
        return "apprise does not understand this address"
    channel.socket_connect_timeout = CONNECT_SECONDS
    channel.socket_read_timeout = READ_SECONDS
    notes.said.clear()
    taken = channel.notify(
        title=asked["title"], body=asked["body"], notify_type=asked["tone"], body_format=NotifyFormat.TEXT
    )
    if taken:
        return None
    return guard.refused or "; ".join(dict.fromkeys(notes.said)) or "the service did not take it"


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps({"error": send(orjson.loads(sys.stdin.buffer.read()))}))
