"""The connector on a real Postgres, driven by hand. A test module takes fixtures by assigning them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest_asyncio

from lineshaft.common.clock import now
from lineshaft.common.encryption import KeyRing
from lineshaft.common.errors import RetryableError
from lineshaft.common.events.commands import AuthorizationRequested, Command, ConnectorPurgeRequested
from lineshaft.common.events.connections import ConnectionDescribed, Lifecycle
from lineshaft.common.events.envelope import Event, new_event
from lineshaft.common.events.health import Breaker, ScopeStatus, StatusDescribed
from lineshaft.common.events.model import EventData
from lineshaft.common.events.syncs import SyncMode, SyncRequested
from lineshaft.common.http.addresses import AddressPolicy
from lineshaft.common.ids import new_id
from lineshaft.common.integrations import Catalog
from lineshaft.common.kafka.record import Message
from lineshaft.common.outcomes import ConnectionStatus
from lineshaft.common.postgres.inbox import transactional
from lineshaft.common.postgres.pool import Pool, create_pool
from lineshaft.connector.adapters.credentials import Credentials
from lineshaft.connector.adapters.http import SourceHttp
from lineshaft.connector.adapters.networks import Networks
from lineshaft.connector.adapters.protocols import open_source
from lineshaft.connector.domain.jobs import Lease
from lineshaft.connector.handlers import Handlers
from lineshaft.connector.workers.commanding import Commanding
from lineshaft.connector.workers.slice import Slice
from lineshaft.connector.workers.syncing import Syncing
from lineshaft.connector.workers.tools import Tools

from .fake_source import FakePlant

if TYPE_CHECKING:
    from lineshaft.common.kafka.producer import Producer
    from lineshaft.tools.testing.infrastructure import Database

ROOT = Path(__file__).parents[3]
CATALOG = Catalog.load(ROOT / "integrations")
TEST_KEYS = "test:" + base64.b64encode(bytes(32)).decode()
KEYS = KeyRing.parse(TEST_KEYS)
SETTINGS = {"base_url": "https://plant.example", "database": "plant"}
OBJECTS = tuple(sorted(CATALOG.system("tryton").objects_for()))


class Broker:
    """Stands in for the producer: keeps what is published, or refuses it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.down = False

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.down:
            raise RetryableError("no broker")
        self.messages += messages

    def slices(self, object_name: str | None = None) -> list[dict[str, Any]]:
        slices = [orjson.loads(message.value or b"") for message in self.messages]
        return [one for one in slices if object_name in {None, one["object"]}]

    def record_ids(self, object_name: str) -> list[int]:
        return [record["id"] for one in self.slices(object_name) for record in one["records"]]


@dataclass
class Rig:
    pool: Pool
    api_pool: Pool
    tools: Tools
    broker: Broker
    plant: FakePlant
    handlers: Handlers
    revisions: dict[str, int] = field(default_factory=dict)

    def another(self) -> "Rig":
        """A second replica on the same database and source."""
        return replace(self, tools=replace(self.tools, owner=new_id("wrk")))

    async def candidate(self, connection_id: str, values: dict[str, str]) -> str:
        """As `api` stores it, with its role."""
        credential_id = new_id("cre")
        sealed = KEYS.seal(orjson.dumps(values), bound_to=f"credential/{connection_id}/{credential_id}")
        await self.api_pool.execute(
            "insert into connector.credential (credential_id, connection_id, sealed) values ($1, $2, $3)",
            credential_id,
            connection_id,
            sealed,
        )
        return credential_id

    async def ask_authorization(
        self,
        connection_id: str,
        values: dict[str, str],
        *,
        expected_account_id: str | None = None,
        settings: dict[str, Any] | None = None,
        system: str = "tryton",
    ) -> str:
        command = AuthorizationRequested(
            command_id=new_id("cmd"),
            connection_id=connection_id,
            system=system,
            settings=settings or SETTINGS,
            credential_id=await self.candidate(connection_id, values),
            expected_account_id=expected_account_id,
        )
        await self.ask(command)
        return command.command_id

    async def ask(self, command: Command) -> None:
        async with self.pool.acquire() as tx, tx.transaction():
            await self.handlers.on_commands(tx, [an_event(command, command.connection_id)])

    async def authorize(
        self,
        connection_id: str,
        password: str = "right",  # noqa: S107  of a source in memory
        **options: Any,
    ) -> dict[str, Any]:
        values = {"username": "lineshaft", "password": password, **options.pop("values", {})}
        command_id = await self.ask_authorization(connection_id, values, **options)
        await self.carry_out()
        return await self.answer(command_id)

    async def carry_out(self) -> None:
        """All commands that are due."""
        commanding = Commanding(self.tools)
        while (job := await commanding.take()) is not None:
            await commanding.work(job, asyncio.Event())

    async def answer(self, command_id: str) -> dict[str, Any]:
        """The published answer: a result or a problem."""
        answers = [
            row["data"]
            for row in await self.outbox("command.results")
            if row["data"]["command_id"] == command_id
        ]
        assert len(answers) == 1
        answer: dict[str, Any] = answers[0]
        return answer

    async def request_sync(self, connection_id: str, **options: Any) -> None:
        asked = SyncRequested(connection_id=connection_id, **options)
        async with self.pool.acquire() as tx, tx.transaction():
            await self.handlers.on_sync_requests(tx, [an_event(asked, connection_id)])

    async def read_all(self) -> int:
        """All slices that are due; how many."""
        syncing = Syncing(self.tools)
        slices = 0
        while (lease := await syncing.take()) is not None:
            await syncing.work(lease, asyncio.Event())
            slices += 1
        return slices

    async def lease(self) -> Lease:
        lease = await Syncing(self.tools).take()
        assert lease is not None
        return lease

    def slice(self, lease: Lease) -> Slice:
        return Slice(self.tools, lease)

    async def outbox(self, topic: str) -> list[dict[str, Any]]:
        """What would be published, oldest first."""
        rows = await self.pool.fetch("select * from outbox where topic = $1 order by id", topic)
        return [
            {
                "key": row["key"].decode(),
                "type": dict(row["headers"])["ce_type"].removeprefix("lineshaft."),
                "data": orjson.loads(row["value"]),
            }
            for row in rows
        ]

    async def calls(self, connection_id: str, outcome: str | None = None) -> list[dict[str, Any]]:
        return [
            row["data"]
            for row in await self.outbox("connection.calls")
            if row["key"] == connection_id
            and "outcome" in row["data"]
            and outcome in {None, row["data"]["outcome"]}
        ]

    async def markers(self, connection_id: str) -> dict[str, dict[str, Any]]:
        rows = await self.outbox("records.raw")
        return {
            row["data"]["result"]["object"]: row["data"]
            for row in rows
            if row["data"]["connection_id"] == connection_id and row["type"] == "records.read_completed"
        }

    async def schema_changes(self, connection_id: str) -> list[dict[str, Any]]:
        return [
            row["data"]
            for row in await self.outbox("records.raw")
            if row["data"]["connection_id"] == connection_id and row["type"] == "schema.changed"
        ]

    async def sync(self, connection_id: str) -> dict[str, Any]:
        """The newest sync, as `api` sees it."""
        row = await self.api_pool.fetchrow(
            "select * from connector.sync_view where connection_id = $1 order by created_at desc limit 1",
            connection_id,
        )
        assert row is not None
        return dict(row)

    async def job_states(self, connection_id: str) -> dict[str, str]:
        return {one["object"]: one["status"] for one in (await self.sync(connection_id))["objects"]}

    async def due_now(self) -> None:
        """As if all waiting were over, but what waits for the gate."""
        await self.pool.execute("update sync_job set due_at = now() where due_at > now()")
        await self.pool.execute("update gate set not_before = null")

    async def describe(
        self,
        connection_id: str,
        lifecycle: Lifecycle = Lifecycle.ACTIVE,
        *,
        credential_version: int = 1,
        **changes: Any,
    ) -> None:
        described = ConnectionDescribed(
            connection_id=connection_id,
            system="tryton",
            lifecycle=lifecycle,
            settings=SETTINGS,
            credential_version=credential_version,
            revision=self._next_revision(connection_id),
            created_at=now(),
            changed_at=now(),
            reason="changed",
            **changes,
        )
        async with self.pool.acquire() as tx, tx.transaction():
            await self.handlers.on_connections(tx, [an_event(described, connection_id)])

    async def purge(self, connection_id: str) -> dict[str, Any]:
        """Delete the connection for good; the receipt."""
        await self.describe(connection_id, Lifecycle.DELETED)
        command = ConnectorPurgeRequested(command_id=new_id("cmd"), connection_id=connection_id)
        await transactional(self.pool, "commands", self.handlers.on_commands)(
            [an_event(command, connection_id)]
        )
        receipt: dict[str, Any] = (await self.answer(command.command_id))["result"]
        return receipt

    async def status(
        self,
        connection_id: str,
        status: ConnectionStatus,
        credential_version: int,
        *,
        breaker: Breaker | None = None,
        objects: list[ScopeStatus] | None = None,
    ) -> None:
        """What the monitor says."""
        described = StatusDescribed(
            connection_id=connection_id,
            system="tryton",
            status=status,
            since=now(),
            objects=objects or [],
            breaker=breaker or Breaker(),
            credential_version=credential_version,
            revision=self._next_revision(connection_id),
            at=now(),
        )
        async with self.pool.acquire() as tx, tx.transaction():
            await self.handlers.on_statuses(tx, [an_event(described, connection_id)])

    def _next_revision(self, connection_id: str) -> int:
        self.revisions[connection_id] = self.revisions.get(connection_id, 0) + 1
        return self.revisions[connection_id]


def an_event(data: EventData, key: str) -> Event[Any]:
    return new_event(data, source="test", key=key)


def a_connection_id() -> str:
    return new_id("con")


async def quietly() -> None:
    """Nobody looks on."""


FULL = SyncMode.FULL


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pools(database: "Database") -> AsyncIterator[tuple[Pool, Pool]]:
    own = await database.pool("connector", size=16)
    api = await create_pool(database.dsn("api"), size=2, service="api")
    yield own, api
    await own.close()
    await api.close()


async def a_rig(pools: tuple[Pool, Pool]) -> AsyncIterator[Rig]:
    """With an empty database and a source in memory."""
    own, api = pools
    await own.execute(
        "truncate connection, credential, session, oauth_client, network, budget, sync, command_job, outbox,"
        " inbox, tombstone cascade"
    )
    plant, broker = FakePlant(), Broker()
    http = SourceHttp(AddressPolicy(["127.0.0.0/8"]))
    tools = Tools(
        pool=own,
        producer=cast("Producer", broker),
        catalog=CATALOG,
        keys=KEYS,
        networks=Networks(http),
        credentials=Credentials(KEYS),
        opener=plant.open,
    )
    yield Rig(own, api, tools, broker, plant, Handlers(CATALOG))
    await http.close()


rig = pytest_asyncio.fixture(a_rig, name="rig", loop_scope="session")


@pytest_asyncio.fixture(name="rig", loop_scope="session")
async def real_rig(pools: tuple[Pool, Pool]) -> AsyncIterator[Rig]:
    """With the adapters that manifests name, in place of the source in memory."""
    async for rig in a_rig(pools):
        rig.tools = replace(rig.tools, opener=open_source)
        yield rig
