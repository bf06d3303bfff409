"""Every system in every failure: what the call comes to, over a real socket.

Refusals are those that the system's folder has recorded; what any server or network can do is done to each.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.integrations import System
from lineshaft.common.integrations.manifest import Setting
from lineshaft.common.outcomes import Outcome
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols import open_source, sql_mariadb, sql_postgresql
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import Evidence
from lineshaft.connector.domain.sessions import OwnSession, Session
from lineshaft.tools.stack.ports import free_port

from .refusals import recorded_refusal
from .sql_source import CATALOG, refused

IMPATIENT_SECONDS = 0.4
WAIT_SECONDS = 7

FAILURES: Mapping[str, Outcome] = {
    "wrong password": Outcome.CREDENTIALS_REJECTED,
    "forbidden object": Outcome.PERMISSION_DENIED,
    "unreachable": Outcome.UNREACHABLE,
    "timeout": Outcome.UNREACHABLE,
    "5xx": Outcome.SOURCE_ERROR,
    "429": Outcome.RATE_LIMITED,
    "HTML for JSON": Outcome.SOURCE_ERROR,
    "truncated page": Outcome.UNREACHABLE,
}

OTHERWISE: Mapping[tuple[str, str], tuple[Outcome, str]] = {
    ("business_central", "5xx"): (Outcome.RATE_LIMITED, "503 is what a full queue says there"),
    ("business_central", "HTML for JSON"): (Outcome.CREDENTIALS_REJECTED, "OData answers with a logon page"),
    ("business_central_online", "5xx"): (Outcome.RATE_LIMITED, "503 is what a full queue says there"),
    ("sap_s4hana", "HTML for JSON"): (Outcome.CREDENTIALS_REJECTED, "OData answers with a logon page"),
}
"""What a failure means at one system, and why."""

_ON_THE_REAL_ONE = "no HTTP to replay; on the real database in test_matrix_on_real_systems.py"
_NO_HTTP = "a database speaks no HTTP"
EXEMPT: Mapping[tuple[str, str], str] = {
    ("fiix", "forbidden object"): "no answer to it is documented",
    ("postgresql", "wrong password"): _ON_THE_REAL_ONE,
    ("postgresql", "forbidden object"): _ON_THE_REAL_ONE,
    ("mariadb", "wrong password"): _ON_THE_REAL_ONE,
    ("mariadb", "forbidden object"): _ON_THE_REAL_ONE,
    **{
        (system, failure): _NO_HTTP
        for system in ("postgresql", "mariadb")
        for failure in ("5xx", "429", "HTML for JSON", "truncated page")
    },
}

SESSIONS: Mapping[str, bytes] = {
    "tryton": b'{"path":"/plant/rpc/","user_id":5,"token":"of-the-session"}',
    "odoo": b"5",
    "business_central_online": b'{"access_token":"of-nobody"}',
}
"""Somebody is logged in already."""

HTML = b"<!doctype html><title>Plant</title>"
MATRIX = [(system, failure) for system in CATALOG.systems for failure in FAILURES]


def test_the_matrix_names_what_there_is() -> None:
    assert set(EXEMPT) | set(OTHERWISE) <= set(MATRIX)
    assert not set(EXEMPT) & set(OTHERWISE)


@pytest.mark.parametrize(("name", "failure"), MATRIX)
async def test_a_system_in_a_failure(name: str, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := EXEMPT.get((name, failure)):
        pytest.skip(f"exempt: {reason}")
    for dialect in (sql_mariadb, sql_postgresql):
        monkeypatch.setattr(dialect, "LOGIN_SECONDS", IMPATIENT_SECONDS)
    async with a_server(name, failure) as port:
        evidence = await what_it_comes_to(CATALOG.system(name), failure, port)
    expected, _ = OTHERWISE.get((name, failure), (FAILURES[failure], ""))
    assert evidence.outcome is expected, evidence
    if failure == "429":
        assert evidence.retry_at is not None, "how long is known"


async def what_it_comes_to(system: System, failure: str, port: int) -> Evidence:
    manifest = system.manifest
    if failure == "timeout":
        limits = manifest.limits.model_copy(update={"timeout_s": IMPATIENT_SECONDS})
        system = System(manifest.model_copy(update={"limits": limits}), system.mappings)
    settings = {one.key: _setting(one, port) for one in manifest.settings}
    credentials = {one.key: "of-nobody" for one in manifest.credentials}
    http, own = SourceHttp(AddressPolicy(["127.0.0.0/8"])), OwnSession()
    if failure != "wrong password" and manifest.id in SESSIONS:
        own.session = Session(SESSIONS[manifest.id], 1)
    adapter = open_source(Target(system, settings, credentials), http, own)
    try:
        if failure == "wrong password":
            return await refused(adapter.verify)
        name = next(iter(manifest.objects))
        return await refused(lambda: adapter.read(name, system.source_fields_for(name), None, 5))
    finally:
        await adapter.aclose()
        await http.close()


def _setting(setting: Setting, port: int) -> Any:
    at = f"http://127.0.0.1:{port}"
    known = {
        "base_url": at,
        "login_url": at,
        "tenant": "of-the-plant",
        "host": "127.0.0.1",
        "port": port,
        "tls": "off",
    }
    known |= {"database": "plant", "client": "100", "company": "5f8c7d1e-0000-4000-8000-000000000000"}
    return known.get(setting.key, setting.default)


@asynccontextmanager
async def a_server(name: str, failure: str) -> AsyncIterator[int]:
    if failure == "unreachable":
        yield free_port()
        return
    answer = _answer(name, failure)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                writer.write(answer)
                await writer.drain()
                if failure == "truncated page":
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _answer(name: str, failure: str) -> bytes:
    match failure:
        case "timeout":
            return b""
        case "5xx":
            return _response(503, b"")
        case "429":
            return _response(429, b"", f"retry-after: {WAIT_SECONDS}")
        case "HTML for JSON":
            return _response(200, HTML, "content-type: text/html")
        case "truncated page":
            return _response(200, b'{"value": [{"id": 1}, ', "content-type: application/json", missing=100)
        case _:
            refusal = recorded_refusal(name, FAILURES[failure])
            assert refusal is not None
            return _response(
                refusal.status, refusal.body, *(": ".join(one) for one in refusal.headers.items())
            )


def _response(status: int, body: bytes, *headers: str, missing: int = 0) -> bytes:
    lines = [f"HTTP/1.1 {status} Answer", f"content-length: {len(body) + missing}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
