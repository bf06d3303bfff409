"""Real systems, and what can be done to each of them."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from lineshaft.common.integrations import System
from lineshaft.tools.stack.mariadb_source import MariadbSource
from lineshaft.tools.stack.odoo import OdooSource
from lineshaft.tools.stack.postgresql_source import PostgresqlSource
from lineshaft.tools.stack.sandbox_source import SandboxSource
from lineshaft.tools.stack.tryton import TrytonSource

from .connected import Connected, catalog_with
from .failures import NOWHERE


class TrytonRestSource(TrytonSource):
    """The same server by its REST, with a key in place of a password."""

    system = "tryton_rest"

    @property
    def connection_fields(self) -> dict[str, str]:
        return {"base_url": f"{self.base_url}/{self.database}", "token": self.operator.add_key()}

    def change_password(self, password: str) -> None:
        """Keys end; whoever connects anew gets another one."""
        super().change_password(password)
        self.operator.cancel_keys()


RealSource = MariadbSource | OdooSource | PostgresqlSource | SandboxSource | TrytonSource
KINDS: Mapping[str, type[RealSource]] = {
    one.system: one
    for one in (
        TrytonSource,
        TrytonRestSource,
        OdooSource,
        PostgresqlSource,
        MariadbSource,
        SandboxSource,
    )
}
FORBIDDEN, OPEN = "purchase_order", "vendor"
"""The entity whose object is taken away, and the one that must go on."""
SLOW_SECONDS = 0.05
CUT_AFTER_BYTES = 2_500


def with_one_object_elsewhere(system: System) -> System:
    """As if this instance lacked the module that the object comes with."""
    manifest, name = system.manifest, system.object_of(FORBIDDEN)
    described = manifest.objects[name]
    resource = described.resource and described.resource.replace(name, NOWHERE)
    objects = {**manifest.objects, NOWHERE: described.model_copy(update={"resource": resource})}
    mapping = system.mappings[FORBIDDEN].model_copy(update={"object": NOWHERE})
    return System(manifest.model_copy(update={"objects": objects}), {**system.mappings, FORBIDDEN: mapping})


@asynccontextmanager
async def account_locked(connected: Connected[RealSource], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
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
async def object_missing(connected: Connected[RealSource], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A database's table is renamed; elsewhere the instance is asked for what it never had."""
    source, system = connected.source, connected.system
    if isinstance(source, PostgresqlSource | MariadbSource):
        name = connected.at_fault
        source.execute(f"alter table {name} rename to {NOWHERE}")
        try:
            yield
        finally:
            source.execute(f"alter table {NOWHERE} rename to {name}")
        return
    connected.speak_of(catalog_with(connected.catalog, with_one_object_elsewhere(system)))
    try:
        yield
    finally:
        connected.speak_of(connected.catalog)


@asynccontextmanager
async def password_changed(connected: Connected[RealSource], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """For good: whoever connects anew finds it in the source's fields."""
    connected.source.change_password(f"another-{secrets.token_hex(6)}")
    yield


@asynccontextmanager
async def object_forbidden(connected: Connected[RealSource], _: pytest.MonkeyPatch) -> AsyncIterator[None]:
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
