"""A server that asks for the password in the clear does not get it, unless TLS has proved its name."""

import asyncio
from types import SimpleNamespace

import pytest

from lineshaft.common.outcomes import Outcome

from .sql_source import opened, refused

PASSWORD = "correct horse battery"
CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x8000 | 0x80000  # long password, database, 4.1, secure, plugins
GREETING = (
    b"\x0a10.11.0-false\0"
    + bytes(4)
    + b"saltsalt\0"
    + CAPABILITIES.to_bytes(4, "little")[:2]
    + b"\x2d\x02\0"
    + CAPABILITIES.to_bytes(4, "little")[2:]
    + b"\x15"
    + bytes(10)
    + b"saltsaltsalt\0mysql_native_password\0"
)


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog"])
async def test_the_password_stays_here(plugin: bytes) -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, payload in ((0, GREETING), (2, b"\xfe" + plugin + b"\0\x04Password: \0")):
            writer.write(len(payload).to_bytes(3, "little") + bytes([number]) + payload)
            heard.extend(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    fields = {"host": "127.0.0.1", "port": port, "database": "plant", "tls": "off"}
    plant = SimpleNamespace(
        system="mariadb", connection_fields={**fields, "username": "reader", "password": PASSWORD}
    )
    async with server, opened(plant) as adapter:  # type: ignore[arg-type]
        evidence = await refused(adapter.verify)
    assert b"reader" in heard
    assert PASSWORD.encode() not in heard
    assert (evidence.outcome, evidence.code) == (Outcome.CONFIGURATION_ERROR, "2059")
