"""The HTTP proxy between us and a source, as the ladder asks it for a tunnel (RFC 9110, 9.3.6)."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lineshaft.common.errors import LineshaftError
from lineshaft.common.http.network import PROXY_PORT

Offer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is said in the clear before TLS; raises TlsNotOfferedError or TunnelRefusedError."""


class TunnelRefusedError(LineshaftError):
    """The proxy opens no tunnel to the source; its own status is the message."""


@dataclass(frozen=True, slots=True)
class Proxy:
    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    def tunnel(self, host: str, port: int) -> Offer:
        """Asks for a tunnel to the source."""

        async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
            if self.authorization is not None:
                lines.append(f"Proxy-Authorization: {self.authorization}")
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await writer.drain()
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                raise TunnelRefusedError("it closed the connection") from None
            except asyncio.LimitOverrunError:
                raise TunnelRefusedError("it speaks no HTTP") from None
            status = head.split(b"\r\n", 1)[0].decode(errors="replace")
            code = status.split(" ")[1:2]
            if code != ["200"]:
                raise TunnelRefusedError(status[:200])

        return ask


def proxy_of(url: str) -> Proxy:
    parts = urlsplit(url)
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(parts.hostname or "", parts.port or PROXY_PORT, authorization)
