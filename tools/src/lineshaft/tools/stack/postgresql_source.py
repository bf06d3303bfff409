import re
import secrets
from pathlib import Path
from typing import Any

import asyncpg

from lineshaft.sandbox.plant import PlantSize
from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.plant_database import READER, STORY_OBJECT, plant_rows, plant_schema
from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.postgres_binaries import postgres_binaries
from lineshaft.tools.stack.supervisor import Supervisor

PLANT = "plant"
_PREFIX = "%m [%p] user=%u "
_REQUEST = re.compile(rf" user={READER} (?:LOG:  (?:execute|statement)|FATAL:)")


class PostgresqlSource:
    """A plant's own PostgreSQL: a server apart from Lineshaft's, so that it can be stopped alone."""

    system = "postgresql"
    item_label = "name"

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        size: PlantSize | None = None,
        name: str = "plant-postgres",
        binaries: Path | None = None,
    ) -> None:
        self._supervisor = supervisor
        self._size = size
        self._filled = False
        self.server = Postgres(supervisor, durable=False, name=name, binaries=binaries)
        self.username = READER
        self.password = secrets.token_urlsafe(12)

    @property
    def base_url(self) -> str:
        return f"postgresql://{self.server.host}:{self.server.port}/{PLANT}"

    @property
    def connection_fields(self) -> dict[str, str]:
        """What a customer enters to connect this system."""
        return {
            "host": self.server.host,
            "port": str(self.server.port),
            "database": PLANT,
            "tls": "off",
            "username": self.username,
            "password": self.password,
        }

    @property
    def administrator(self) -> dict[str, str]:
        return {"dsn": self.server.dsn_for("postgres", self.server.password, PLANT)}

    def prepare(self) -> None:
        postgres_binaries(self._supervisor.layout, unprivileged_account())

    def launch(self) -> None:
        self.server.start()

    def wait_until_ready(self) -> None:
        """The first time, the plant is set up."""
        if not self._filled:
            self._set_up()
            self._filled = True

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        self.server.stop()

    def change_password(self, password: str) -> None:
        """Connections that are open stay open."""
        self.execute(f"alter role {READER} password '{password}'")
        self.password = password

    def requests_seen(self) -> int:
        """Statements of the reader and its refused logins."""
        text = self.server.child.log.read_text(encoding="utf-8", errors="replace")
        return len(_REQUEST.findall(text))

    def revoke_one_object(self) -> str:
        self.execute(f"revoke select on {STORY_OBJECT} from {READER}")
        return STORY_OBJECT

    def restore_one_object(self) -> None:
        self.execute(f"grant select on {STORY_OBJECT} to {READER}")

    def execute(self, *statements: str) -> None:
        """As the plant's administrator."""
        run_blocking(self._execute(*statements))

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return run_blocking(self._fetch(query))

    def _set_up(self) -> None:
        self.server.create_database(PLANT)
        self.execute(
            f"create role {READER} login password '{self.password}'",
            f"alter role {READER} set log_statement = 'all'",
            f"alter system set log_line_prefix = '{_PREFIX}'",
            "select pg_reload_conf()",
            plant_schema(self.system),
        )
        run_blocking(self._fill())
        self.execute(
            f"grant select on all tables in schema public to {READER}",
            f"grant insert, update on work_orders to {READER}",
            f"grant insert, update, delete on vendors, purchase_orders to {READER}",
            *(
                f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))"
                for table in ("vendors", "purchase_orders", "work_orders")
            ),
        )

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        dsn = self.server.dsn_for("postgres", self.server.password, PLANT)
        return await asyncpg.connect(dsn, timeout=10)

    async def _execute(self, *statements: str) -> None:
        connection = await self._connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        connection = await self._connect()
        try:
            return [tuple(row.values()) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def _fill(self) -> None:
        connection = await self._connect()
        try:
            for rows in plant_rows(self._size):
                await connection.copy_records_to_table(rows.table, records=rows.values, columns=rows.columns)
        finally:
            await connection.close()
