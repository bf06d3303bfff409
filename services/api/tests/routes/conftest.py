"""The API on a real Postgres with the migrations of all services, which the test itself plays."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI

from lineshaft.api.adapters.admin_keys import install_admin_key
from lineshaft.api.adapters.commands import Waiters
from lineshaft.api.adapters.mappings import CompiledMappings
from lineshaft.api.console.install import install
from lineshaft.api.domain.keys import KeyKind, new_key
from lineshaft.api.handlers import Handlers
from lineshaft.api.routes.application import create_application
from lineshaft.api.routes.context import Context
from lineshaft.api.settings import ApiSettings
from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.events.commands import CommandCompleted, CommandProblem
from lineshaft.common.events.envelope import new_event
from lineshaft.common.events.health import StatusDescribed
from lineshaft.common.integrations import Catalog
from lineshaft.common.mapping import MappingContext, compile_mapping
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool
from lineshaft.tools.testing.infrastructure import Database

ROOT = Path(__file__).parents[4]
REDIRECT_URL = "https://product.example.com/connected?tenant=7"
SETTINGS = {"base_url": "https://erp.example.com", "database": "plant"}
CREDENTIALS = {"username": "lineshaft", "password": "correct horse"}


@dataclass
class Clock:
    """The time, and how far a test has moved it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@dataclass
class World:
    """One replica of the API, and hands for what the other services would do."""

    http: httpx.AsyncClient
    context: Context
    handlers: Handlers
    pools: dict[str, Pool]
    admin_key: str
    clock: Clock
    revisions: dict[str, int] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        return await self.http.request(
            method,
            f"/v1{path}",
            json=body,
            headers={"Authorization": f"Bearer {key or self.admin_key}"} | headers,
        )

    async def outbox(self, topic: str) -> list[dict[str, Any]]:
        rows = await self.context.pool.fetch(
            "select value from outbox where topic = $1 and value is not null order by id", topic
        )
        return [orjson.loads(row["value"]) for row in rows]

    async def answer(
        self,
        command_id: str,
        *,
        result: dict[str, Any] | None = None,
        problem: CommandProblem | None = None,
        connection_id: str | None = None,
    ) -> None:
        """What a service would answer on `command.results`."""
        data = CommandCompleted(
            command_id=command_id, connection_id=connection_id, at=now(), result=result, problem=problem
        )
        handle = transactional(self.context.pool, "results", self.handlers.on_results)
        await handle([new_event(data, source="connector", key=connection_id or command_id)])

    async def open_page(self, **body: Any) -> str:
        answer = await self.call(
            "POST", "/link-sessions", {"system": "tryton", "redirect_url": REDIRECT_URL} | body
        )
        assert answer.status_code == 201, answer.text
        return str(urlsplit(answer.json()["url"]).path)

    async def submit(self, page: str, fields: dict[str, str] | None = None) -> str:
        """Fill in the form without waiting; the command that was sent."""
        await self.http.post(page, data=SETTINGS | CREDENTIALS if fields is None else fields)
        return str((await self.outbox("commands.connector"))[-1]["command_id"])

    async def connect(self, account_id: str = "plant/5") -> tuple[str, str]:
        """A connection and its token."""
        page = await self.open_page(metadata={"customer": "7"}, label="Plant 7")
        command_id = await self.submit(page)
        await self.answer(command_id, result=verified(account_id))
        code = await self.code(page, command_id)
        answer = await self.call("POST", "/link-sessions/exchange", {"code": code})
        return str(answer.json()["connection_id"]), str(answer.json()["token"])

    async def code(self, page: str, command_id: str) -> str:
        answer = await self.http.get(f"{page}/attempts/{command_id}")
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    async def set_status(self, connection_id: str, status: ConnectionStatus, **more: Any) -> None:
        """What the monitor would say."""
        self.revisions[connection_id] = self.revisions.get(connection_id, 0) + 1
        document = StatusDescribed(
            connection_id=connection_id,
            system="tryton",
            status=status,
            since=now(),
            credential_version=more.pop("credential_version", 1),
            revision=self.revisions[connection_id],
            at=now(),
            **more,
        )
        await self.pools["health_monitor"].execute(
            "insert into state (connection_id, described) values ($1, $2)"
            " on conflict (connection_id) do update set described = $2",
            connection_id,
            document.model_dump(mode="json"),
        )

    async def store(
        self, connection_id: str, entity: str, records: list[dict[str, Any]], *, version: int = 1
    ) -> list[dict[str, Any]]:
        """What the mapping service would keep of these source records."""
        system = self.context.catalog.system("tryton")
        compiled = compile_mapping(
            entity, system.default_mapping(entity), MappingContext(mapping_version=version)
        )
        documents = []
        for raw in records:
            mapped = compiled.apply(connection_id, str(raw["id"]), raw, now())
            document = mapped.document | {"revision": 1}
            documents.append(document)
            await insert(
                self.pools["mapping"],
                "record",
                id=document["id"],
                connection_id=connection_id,
                entity=entity,
                object=system.object_of(entity),
                source_id=str(raw["id"]),
                raw=raw,
                document=document,
                mapping_version=version,
                revision=1,
                observed_at=now(),
                changed_at=now(),
            )
        return documents


_EMPTY: dict[str, Any] = {"text": "", "ARRAY": [], "jsonb": {}, "timestamp with time zone": now()}


async def insert(pool: Pool, table: str, **values: Any) -> None:
    """A row of another service's table; what the test does not care about is empty."""
    needed = await pool.fetch(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = current_schema() and table_name = $1"
        " and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
        table,
    )
    row = {one["column_name"]: _EMPTY.get(one["data_type"], 1) for one in needed} | values
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await pool.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())


def verified(account_id: str = "plant/5", version: int = 1) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "account_label": "Lineshaft",
        "credential_version": version,
        "credential_id": "cred_x",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pools(database: Database) -> AsyncIterator[dict[str, Pool]]:
    services = ("connector", "mapping", "health_monitor", "notifier", "api")
    opened = {service: await database.pool(service, size=4) for service in services}
    yield opened
    for pool in opened.values():
        await pool.close()


@pytest.fixture(scope="module")
def settings() -> ApiSettings:
    return ApiSettings(
        secret_keys=f"k1:{base64.b64encode(bytes(32)).decode()}",
        link_signing_key="signing-key",
        public_url="http://api.test",
        connect_wait_seconds=0,
        write_wait_seconds=0,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def world(pools: dict[str, Pool], settings: ApiSettings) -> AsyncIterator[World]:
    async with a_world(pools, settings) as world:
        yield world


@asynccontextmanager
async def a_world(pools: dict[str, Pool], settings: ApiSettings) -> AsyncIterator[World]:
    clock = Clock()
    admin_key = new_key(KeyKind.ADMIN)
    await install_admin_key(pools["api"], admin_key)
    context = Context(
        settings,
        pools["api"],
        Catalog.load(ROOT / "integrations"),
        KeyRing.parse(settings.secret_keys.get_secret_value()),
        Waiters(pools["api"]),
        CompiledMappings(),
        clock,
    )
    handlers = Handlers(context.visits, context.catalog)
    transport = httpx.ASGITransport(whole_application(context))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        yield World(http, context, handlers, pools, admin_key, clock)


def whole_application(context: Context) -> FastAPI:
    application = create_application(context, {})
    install(application)
    return application


def waiting(world: World, **seconds: float) -> World:
    """The same replica with longer waits."""
    context = replace(world.context, settings=world.context.settings.model_copy(update=seconds))
    transport = httpx.ASGITransport(whole_application(context))
    return replace(
        world, context=context, http=httpx.AsyncClient(transport=transport, base_url="http://api.test")
    )
