"""What a client that trusts the authority makes of each certificate, over real TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from lineshaft.sandbox.admin import Admin
from lineshaft.sandbox.certificates import Certificates
from lineshaft.sandbox.interface import Interface
from lineshaft.sandbox.sandbox import Sandbox
from lineshaft.sandbox.serving import Doors, Port
from lineshaft.tools.stack.ports import free_port

ADMIN = {"authorization": "Bearer of-the-admin"}


class Rig:
    def __init__(self) -> None:
        self.sandbox = Sandbox(password="right")
        self.certificates = Certificates("plant.example")
        self.port = free_port()
        door = Port(Interface(self.sandbox).app(), "127.0.0.1", self.port, tls=self.shown)
        self.doors = Doors(door)
        app = Admin(self.sandbox, self.doors, "of-the-admin", self.certificates).app()
        self.admin = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://admin", headers=ADMIN
        )

    def shown(self) -> ssl.SSLContext:
        return self.certificates.context(self.sandbox.faults.certificate)

    async def handshake(self, pem: str, name: str = "127.0.0.1") -> int:
        """0, or the number of what is wrong."""
        context = ssl.create_default_context(cadata=pem)
        try:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=context, server_hostname=name
            )
        except ssl.SSLCertVerificationError as error:
            return error.verify_code
        writer.close()
        return 0


@pytest_asyncio.fixture(loop_scope="session")
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.doors.open()
    yield rig
    await rig.admin.aclose()
    await rig.doors.close()


@pytest.mark.parametrize(
    ("certificate", "number"), [("valid", 0), ("expired", 10), ("wrong_name", 64), ("self_signed", 18)]
)
async def test_what_is_wrong_with_it(rig: Rig, certificate: str, number: int) -> None:
    authority = (await rig.admin.get("/admin/authority")).text
    await rig.admin.put("/admin/faults", json={"certificate": certificate})
    assert await rig.handshake(authority) == number
    await rig.admin.post("/admin/reset")
    assert await rig.handshake(authority) == 0


async def test_one_that_signed_itself_can_be_trusted_under_each_name_of_the_host(rig: Rig) -> None:
    await rig.admin.put("/admin/faults", json={"certificate": "self_signed"})
    pem = (await rig.admin.get("/admin/authority")).text
    assert [await rig.handshake(pem, name) for name in ("127.0.0.1", "localhost", "plant.example")] == [0] * 3


async def test_nobody_stays_connected_by_the_certificate_before(rig: Rig) -> None:
    context = ssl.create_default_context(cadata=rig.certificates.to_trust())
    async with httpx.AsyncClient(verify=context, auth=("lineshaft", "right")) as client:
        me = f"https://127.0.0.1:{rig.port}/v1/me"
        assert (await client.get(me)).status_code == 200
        await rig.admin.put("/admin/faults", json={"certificate": "expired"})
        with pytest.raises(httpx.ConnectError, match="expired"):
            await client.get(me)


async def test_without_a_port_for_it_there_is_nothing_to_trust() -> None:
    app = Admin(Sandbox(), Doors(), "of-the-admin").app()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://admin", headers=ADMIN
    ) as admin:
        assert (await admin.get("/admin/authority")).status_code == 404
