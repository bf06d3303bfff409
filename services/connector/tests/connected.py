"""A connection whose source is behind a proxy that does what networks do."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest

from lineshaft.common.events.calls import Call
from lineshaft.common.integrations import Catalog, System
from lineshaft.connector.handlers import Handlers
from tests.chaos.fault_proxy import Fault, FaultProxy

from .rig import FULL, Rig

IMPATIENT_SECONDS = 0.3


class Source(Protocol):
    @property
    def system(self) -> str: ...

    @property
    def connection_fields(self) -> dict[str, str]: ...


S = TypeVar("S", bound=Source)


@dataclass
class Connected(Generic[S]):
    rig: Rig
    source: S
    proxy: FaultProxy
    connection_id: str
    catalog: Catalog
    asked: Mapping[str, list[str]]
    """What a sync is asked for: entities or objects."""
    at_fault: str
    """The object that is taken away, while others stay."""

    @property
    def system(self) -> System:
        return self.catalog.system(self.source.system)

    async def authorize(self, **changes: str) -> dict[str, Any]:
        settings = {**self.source.connection_fields, **self._way(), **changes}
        keys = [one.key for one in self.system.manifest.credentials if one.key in settings]
        values = {key: settings.pop(key) for key in keys}
        command = await self.rig.ask_authorization(
            self.connection_id, values, settings=settings, system=self.system.id
        )
        await self.rig.carry_out()
        return await self.rig.answer(command)

    async def connect(self) -> None:
        answer = await self.authorize()
        assert answer["problem"] is None, answer

    async def sync(self) -> dict[str, str]:
        """All of the objects is asked for; what became of each."""
        await self.rig.request_sync(self.connection_id, mode=FULL, **self.asked)
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
        fields, port = self.source.connection_fields, self.proxy.listen_port
        if "base_url" in fields:
            return {"base_url": urlsplit(fields["base_url"])._replace(netloc=f"127.0.0.1:{port}").geturl()}
        return {"host": "127.0.0.1", "port": str(port)}


BringAbout = Callable[[Connected[Any], pytest.MonkeyPatch], AbstractAsyncContextManager[None]]
"""Inside, the failure is there; afterwards its cause is gone."""


def catalog_with(catalog: Catalog, system: System) -> Catalog:
    return Catalog({**catalog.systems, system.id: system})


@asynccontextmanager
async def black_hole(connected: Connected[Any], patched: pytest.MonkeyPatch) -> AsyncIterator[None]:
    for dialect in ("sql_mariadb", "sql_postgresql"):
        patched.setattr(f"lineshaft.connector.adapters.protocols.{dialect}.LOGIN_SECONDS", IMPATIENT_SECONDS)
    connected.speak_of(catalog_with(connected.catalog, _impatient(connected.system)))
    connected.proxy.set(Fault.BLACK_HOLE)
    try:
        yield
    finally:
        connected.proxy.set(Fault.NONE)
        connected.speak_of(connected.catalog)
        patched.undo()


def network(fault: Fault) -> BringAbout:
    @asynccontextmanager
    async def faulty(connected: Connected[Any], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
        connected.proxy.set(fault)
        try:
            yield
        finally:
            connected.proxy.set(Fault.NONE)

    return faulty


@asynccontextmanager
async def port_refused(connected: Connected[Any], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    connected.proxy.shut()
    try:
        yield
    finally:
        await connected.proxy.listen()


def _impatient(system: System) -> System:
    limits = system.manifest.limits.model_copy(update={"timeout_s": IMPATIENT_SECONDS})
    return System(system.manifest.model_copy(update={"limits": limits}), system.mappings)
