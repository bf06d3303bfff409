"""Real systems behind a proxy that does what networks do, and what can be done to each of them."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from lineshaft.common.events.calls import Call
from lineshaft.common.integrations import Catalog, System
from lineshaft.connector.handlers import Handlers
from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.odoo import OdooSource
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.tryton import TrytonSource
from tests.chaos.fault_proxy import Fault, FaultProxy

from .rig import CATALOG, FULL, Rig

RealSource = MariadbSource | OdooSource | PostgresqlSource | SandboxSource | TrytonSource
KINDS: Mapping[str, type[RealSource]] = {
    one.system: one for one in (TrytonSource, OdooSource, PostgresqlSource, MariadbSource, SandboxSource)
}
FORBIDDEN, OPEN = "purchase_order", "vendor"
"""The entity whose object is taken away, and the one that must go on."""
NOWHERE = "nothing_of_that_name"
IMPATIENT_SECONDS = 0.3
SLOW_SECONDS = 0.05
CUT_AFTER_BYTES = 2_500


@dataclass
class Connected:
    """A connection to a real system, all of it through the proxy."""

    rig: Rig
    source: RealSource
    proxy: FaultProxy
    connection_id: str

    @property
    def system(self) -> str:
        return self.source.system

    async def authorize(self, **changes: str) -> dict[str, Any]:
        settings = {**self.source.connection_fields, **self._way(), **changes}
        values = {name: settings.pop(name) for name in ("username", "password")}
        return await self.rig.authorize(
            self.connection_id, values=values, settings=settings, system=self.system
        )

    async def connect(self) -> None:
        answer = await self.authorize()
        assert answer["problem"] is None, answer

    async def sync(self) -> dict[str, str]:
        """All of both objects is asked for; what became of each."""
        await self.rig.request_sync(self.connection_id, entities=[OPEN, FORBIDDEN], mode=FULL)
        return await self.go_on()

    async def go_on(self) -> dict[str, str]:
        await self.rig.due_now()
        await self.rig.read_all()
        return await self.rig.job_states(self.connection_id)

    async def calls(self) -> list[Call]:
        return [Call.model_validate(one) for one in await self.rig.calls(self.connection_id)]

    async def records(self) -> dict[str, int]:
        return {one["object"]: one["records"] for one in (await self.rig.sync(self.connection_id))["objects"]}

    def over_tls(self) -> dict[str, str]:
        """What a customer enters who believes that there is TLS."""
        way = self._way()
        return (
            {"base_url": way["base_url"].replace("http:", "https:")}
            if "base_url" in way
            else {"tls": "verify"}
        )

    def speak_of(self, catalog: Catalog) -> None:
        self.rig.tools = replace(self.rig.tools, catalog=catalog)
        self.rig.handlers = Handlers(catalog)

    def _way(self) -> dict[str, str]:
        port = str(self.proxy.listen_port)
        if "base_url" in self.source.connection_fields:
            return {"base_url": f"http://127.0.0.1:{port}"}
        return {"host": "127.0.0.1", "port": port}


BringAbout = Callable[[Connected, pytest.MonkeyPatch], AbstractAsyncContextManager[None]]
"""Inside, the failure is there; afterwards its cause is gone."""


def catalog_with(system: System) -> Catalog:
    return Catalog({**CATALOG.systems, system.id: system})


def impatient(system: System) -> System:
    limits = system.manifest.limits.model_copy(update={"timeout_s": IMPATIENT_SECONDS})
    return System(system.manifest.model_copy(update={"limits": limits}), system.mappings)


def with_one_object_elsewhere(system: System) -> System:
    """As if this instance lacked the module that the object comes with."""
    manifest, name = system.manifest, system.object_of(FORBIDDEN)
    described = manifest.objects[name]
    resource = described.resource and described.resource.replace(name, NOWHERE)
    objects = {**manifest.objects, NOWHERE: described.model_copy(update={"resource": resource})}
    mapping = system.mappings[FORBIDDEN].model_copy(update={"object": NOWHERE})
    return System(manifest.model_copy(update={"objects": objects}), {**system.mappings, FORBIDDEN: mapping})


@asynccontextmanager
async def account_locked(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    lock, unlock = _locks(connected.source)
    lock()
    try:
        yield
    finally:
        unlock()


def _locks(source: RealSource) -> tuple[Callable[[], None], Callable[[], None]]:
    match source:
        case TrytonSource():
            return source.operator.deactivate_user, source.operator.activate_user
        case OdooSource():
            return source.deactivate_user, source.activate_user
        case PostgresqlSource():
            return (
                lambda: source.execute("alter role reader nologin"),
                lambda: source.execute("alter role reader login"),
            )
        case MariadbSource():
            return (
                lambda: source.execute("alter user reader account lock"),
                lambda: source.execute("alter user reader account unlock"),
            )
        case SandboxSource():
            return lambda: source.fault(credentials="locked"), source.mend


@asynccontextmanager
async def object_missing(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A database's table is renamed; elsewhere the instance is asked for what it never had."""
    source, system = connected.source, CATALOG.system(connected.system)
    if isinstance(source, PostgresqlSource | MariadbSource):
        name = system.object_of(FORBIDDEN)
        source.execute(f"alter table {name} rename to {NOWHERE}")
        try:
            yield
        finally:
            source.execute(f"alter table {NOWHERE} rename to {name}")
        return
    connected.speak_of(catalog_with(with_one_object_elsewhere(system)))
    try:
        yield
    finally:
        connected.speak_of(CATALOG)


@asynccontextmanager
async def black_hole(connected: Connected, patched: pytest.MonkeyPatch) -> AsyncIterator[None]:
    for dialect in ("sql_mariadb", "sql_postgresql"):
        patched.setattr(f"lineshaft.connector.adapters.protocols.{dialect}.LOGIN_SECONDS", IMPATIENT_SECONDS)
    connected.speak_of(catalog_with(impatient(CATALOG.system(connected.system))))
    connected.proxy.set(Fault.BLACK_HOLE)
    try:
        yield
    finally:
        connected.proxy.set(Fault.NONE)
        connected.speak_of(CATALOG)
        patched.undo()


def network(fault: Fault) -> BringAbout:
    @asynccontextmanager
    async def faulty(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
        connected.proxy.set(fault)
        try:
            yield
        finally:
            connected.proxy.set(Fault.NONE)

    return faulty


@asynccontextmanager
async def port_refused(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    connected.proxy.shut()
    try:
        yield
    finally:
        await connected.proxy.listen()


@asynccontextmanager
async def password_changed(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """For good: whoever connects anew finds it in the source's fields."""
    connected.source.change_password(f"another-{secrets.token_hex(6)}")
    yield


@asynccontextmanager
async def object_forbidden(connected: Connected, _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    connected.source.revoke_one_object()
    try:
        yield
    finally:
        connected.source.restore_one_object()


def place_of(source: RealSource) -> tuple[str, int]:
    parts = urlsplit(source.base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
