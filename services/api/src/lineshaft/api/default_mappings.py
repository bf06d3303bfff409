"""Connections follow a default mapping that has changed, as they follow a change of their own."""

import asyncio
import contextlib
from collections.abc import Mapping

import orjson
from xxhash import xxh3_64_hexdigest

from lineshaft.api.adapters.connections import list_connections, lock_connection
from lineshaft.api.adapters.mappings import active_mapping, store_version
from lineshaft.api.adapters.postgres import SQL
from lineshaft.api.domain.mappings import DEFAULT_VERSION, changed
from lineshaft.api.domain.problems import ProblemError
from lineshaft.common.clock import Clock
from lineshaft.common.events.connections import Lifecycle
from lineshaft.common.integrations import Catalog, System
from lineshaft.common.logs import logger
from lineshaft.common.mapping import MappingDefinition
from lineshaft.common.postgres.pool import RETRYABLE, Pool

BY = "default"
CHUNK = 100
RETRY_SECONDS = 10.0

log = logger(__name__)


async def follow_defaults(pool: Pool, catalog: Catalog, clock: Clock, stopping: asyncio.Event) -> None:
    """Once after a start: the folder of integrations is read only then."""
    for system in catalog.systems.values():
        while not stopping.is_set():
            try:
                await follow(pool, system, clock)
                break
            except RETRYABLE as error:
                log.warning("following_defaults_retries", system=system.id, error=repr(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
    await stopping.wait()


async def follow(pool: Pool, system: System, clock: Clock) -> None:
    """Each connection of the system gets a new version of each mapping whose default has changed.

    What is known of the defaults is written last, so that a run which is broken off begins again; it passes
    over the connections that are done.
    """
    known = {row["entity"]: row["digest"] for row in await pool.fetch(SQL["default_digests"], system.id)}
    digests = {entity: _digest(system.default_mapping(entity)) for entity in system.entities}
    entities = [entity for entity, digest in digests.items() if known.get(entity, digest) != digest]
    after = ""
    while entities:
        connections = await list_connections(pool, after=after, system=system.id, limit=CHUNK)
        for connection in connections:
            await _follow(pool, system, connection.connection_id, entities, clock)
        if len(connections) < CHUNK:
            break
        after = connections[-1].connection_id
    await _keep(pool, system, digests)


async def _follow(pool: Pool, system: System, connection_id: str, entities: list[str], clock: Clock) -> None:
    async with pool.acquire() as tx, tx.transaction():
        connection = await lock_connection(tx, connection_id)
        if connection is None or connection.lifecycle is Lifecycle.DELETED:
            return
        for entity in entities:
            active = await active_mapping(tx, connection_id, system, entity)
            body = {**active.overlay, "comment": f"the default mapping of {system.id} changed"}
            try:
                changes, effective = changed(entity, active.default, body)
            except ProblemError as error:
                log.warning(
                    "default_not_followed", connection_id=connection_id, entity=entity, error=str(error)
                )
                continue
            if active.version > DEFAULT_VERSION and _digest(effective) == _digest(active.effective):
                continue
            await store_version(tx, active, changes, effective, by=BY, at=clock())


async def _keep(pool: Pool, system: System, digests: Mapping[str, str]) -> None:
    await pool.execute(SQL["keep_default_digests"], system.id, list(digests), list(digests.values()))


def _digest(definition: MappingDefinition) -> str:
    body = {name: part for name, part in definition.dump().items() if name != "comment"}
    return xxh3_64_hexdigest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
