"""An adapter on a plant's real database, without the rest of the connector."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest

from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.integrations import Catalog, Manifest, System
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.connector.adapters.protocols.target import Target
from lineshaft.connector.domain.evidence import Evidence, SourceFailureError
from lineshaft.connector.domain.protocol import Page, SourceAdapter
from lineshaft.connector.domain.sessions import OwnSession
from lineshaft.tools.stack.mariadb import mariadb_found
from lineshaft.tools.testing.needs import needs

CATALOG = Catalog.load(Path(__file__).parents[3] / "integrations")
NETWORKS = ["127.0.0.0/8"]
EVERYTHING = 10_000


def needs_mariadb() -> None:
    needs("MariaDB, Debian's package mariadb-server", found=mariadb_found())


class Source(Protocol):
    @property
    def system(self) -> str: ...

    @property
    def connection_fields(self) -> dict[str, str]: ...


class Plant(Source, Protocol):
    def execute(self, *statements: str) -> None: ...

    def fetch(self, query: str) -> list[tuple[Any, ...]]: ...


@asynccontextmanager
async def opened(
    plant: Source,
    *,
    system: System | None = None,
    networks: list[str] | None = None,
    ca_certificate: str | None = None,
    **changes: Any,
) -> AsyncIterator[SourceAdapter]:
    """With the plant's own connection fields, `changes` apart."""
    system = system or CATALOG.system(plant.system)
    fields = {**plant.connection_fields, **changes}
    secrets = {one.key: fields.pop(one.key) for one in system.manifest.credentials}
    policy = AddressPolicy(NETWORKS if networks is None else networks)
    http = SourceHttp(policy, ca_certificate=ca_certificate)
    adapter = open_source(Target(system, fields, secrets), http, OwnSession())
    try:
        yield adapter
    finally:
        await adapter.aclose()
        await http.close()


def with_objects(name: str, objects: dict[str, Any], **limits: Any) -> System:
    """The system with other objects, which nothing is mapped from."""
    manifest = CATALOG.system(name).manifest
    data = manifest.model_dump()
    return System(
        Manifest.model_validate({**data, "objects": objects, "limits": data["limits"] | limits}), {}
    )


def rows(page: Page) -> list[dict[str, Any]]:
    return [orjson.loads(bytes(record)) for record in page.records]


async def refused(call: Callable[[], Any]) -> Evidence:
    """The evidence with which a call fails."""
    with pytest.raises(SourceFailureError) as failure:
        await call()
    return failure.value.evidence


async def read_all(
    adapter: SourceAdapter, name: str, fields: list[str], cursor: Any = None, limit: int = 7
) -> tuple[list[dict[str, Any]], Any]:
    """All pages of a read and the cursor of the next one."""
    found: list[dict[str, Any]] = []
    for _ in range(EVERYTHING):
        page = await adapter.read(name, fields, cursor, limit)
        found += rows(page)
        cursor = orjson.loads(orjson.dumps(page.cursor))
        if page.last:
            break
    return found, cursor
