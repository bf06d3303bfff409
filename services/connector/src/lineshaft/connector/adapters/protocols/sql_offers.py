"""How a client of a database asks for TLS, without a login."""

import asyncio
import struct

from lineshaft.connector.adapters.protocols.sql_addresses import TlsNotOfferedError

_POSTGRESQL_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_MARIADB_SSL = 0x0800
_MARIADB_CLIENT = 0x0200 | _MARIADB_SSL | 0x8000
"""Protocol 4.1, TLS, authentication of 4.1."""
_MARIADB_MOST_PACKET = 16 * 1024 * 1024
_MARIADB_UTF8MB4 = 45
_ERROR_PACKET = b"\xff"
_BETWEEN_VERSION_AND_CAPABILITIES = 4 + 8 + 1


async def postgresql_offer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`SSLRequest`, answered by S or N (PostgreSQL documentation, 54.2.10)."""
    writer.write(_POSTGRESQL_SSL_REQUEST)
    await writer.drain()
    if await reader.readexactly(1) != b"S":
        raise TlsNotOfferedError


async def mariadb_offer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Where the server's greeting names it, a short first packet asks for it (MariaDB, Connection)."""
    header = await reader.readexactly(4)
    greeting = await reader.readexactly(int.from_bytes(header[:3], "little"))
    if greeting[:1] == _ERROR_PACKET:
        raise OSError(greeting[3:].decode(errors="replace"))
    capabilities_at = greeting.find(0, 1) + 1 + _BETWEEN_VERSION_AND_CAPABILITIES
    try:
        (capabilities,) = struct.unpack_from("<H", greeting, capabilities_at)
    except struct.error as error:
        raise OSError("what the server says first is no greeting of a MariaDB") from error
    if not capabilities & _MARIADB_SSL:
        raise TlsNotOfferedError
    request = struct.pack("<IIB23x", _MARIADB_CLIENT, _MARIADB_MOST_PACKET, _MARIADB_UTF8MB4)
    writer.write(len(request).to_bytes(3, "little") + b"\x01" + request)
    await writer.drain()
