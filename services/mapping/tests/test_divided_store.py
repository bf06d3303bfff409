"""A record store that was divided by hand (deploy/postgres/divide_records.sql) works as before."""

import re

import pytest

from lineshaft.tools.stack.layout import find_checkout

from . import drive
from .builders import records_read
from .drive import Reader, Service

pytestmark = pytest.mark.integration

pool, service, items, dead_letters = drive.pool, drive.service, drive.items, drive.dead_letters

SCRIPT = find_checkout() / "deploy" / "postgres" / "divide_records.sql"
PUMP, VALVE = {"id": 1, "name": "Pump", "code": "P-1"}, {"id": 2, "name": "Valve", "code": "V-1"}


async def test_records_stay_and_go_on(service: Service, items: Reader) -> None:
    await service.raw(records_read([PUMP, VALVE], connection_id=service.connection_id))
    await items.new()
    stored = await service.stored()
    grants = "select count(*) from information_schema.role_table_grants where table_name = 'entity_view'"
    granted = await service.pool.fetchval(grants)
    script = SCRIPT.read_text(encoding="utf-8")
    schema = await service.pool.fetchval("select current_schema()")
    async with service.pool.acquire() as tx, tx.transaction():
        await tx.execute(re.sub(r"search_path = mapping;", f'search_path = "{schema}";', script))

    parts = "select count(*) from pg_inherits where inhparent = 'record'::regclass"
    assert await service.pool.fetchval(parts) == 16
    assert await service.stored() == stored
    assert await service.pool.fetchval(grants) == granted > 0

    changed = records_read(
        [PUMP | {"name": "Feed pump"}, VALVE], connection_id=service.connection_id, sequence=2
    )
    await service.raw(changed)
    await service.raw(changed)
    (event,) = await items.new()
    assert (event.data["name"], event.data["revision"]) == ("Feed pump", 2)
    await service.raw(records_read([], connection_id=service.connection_id, sequence=3, deleted=["2"]))
    told, _tombstone = await items.new()
    assert (told.type, told.data["name"]) == ("lineshaft.entity.deleted", "Valve")
    assert (
        await service.pool.fetchval(
            "select count(*) from entity_view where connection_id = $1", service.connection_id
        )
        == 2
    )
