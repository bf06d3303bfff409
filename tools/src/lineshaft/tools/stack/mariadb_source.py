import secrets
from typing import Any

from lineshaft.sandbox.plant import PlantSize
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.mariadb import OPERATOR, MariaDb
from lineshaft.tools.stack.plant_database import READER, STORY_OBJECT, plant_rows, plant_schema
from lineshaft.tools.stack.supervisor import Supervisor

PLANT = "plant"
_SEEN = """
select total_connections + denied_connections + select_commands + update_commands + other_commands
from information_schema.user_statistics where user = 'reader'
"""


class MariadbSource:
    """A plant's own MariaDB; needs the server of the system's package."""

    system = "mariadb"
    item_label = "name"

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        size: PlantSize | None = None,
        name: str = "plant-mariadb",
        options: dict[str, str] | None = None,
    ) -> None:
        self._size = size
        self._filled = False
        self.server = MariaDb(supervisor, name=name, options={"userstat": "1", **(options or {})})
        self.username = READER
        self.password = secrets.token_urlsafe(12)

    @property
    def base_url(self) -> str:
        return f"mariadb://{self.server.host}:{self.server.port}/{PLANT}"

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
        return {"username": OPERATOR, "password": self.server.password}

    def prepare(self) -> None:
        """Nothing is built."""

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
        self.execute(f"alter user {READER} identified by '{password}'")
        self.password = password

    def requests_seen(self) -> int:
        """Statements of the reader, its logins and its refused logins."""
        rows = self.fetch(_SEEN)
        return int(rows[0][0]) if rows else 0

    def revoke_one_object(self) -> str:
        self.execute(f"revoke select on {STORY_OBJECT} from {READER}")
        return STORY_OBJECT

    def restore_one_object(self) -> None:
        self.execute(f"grant select on {STORY_OBJECT} to {READER}")

    def execute(self, *statements: str) -> None:
        """As the plant's administrator."""
        self.server.execute(*statements, database=PLANT)

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.server.fetch(query, PLANT)

    def _set_up(self) -> None:
        self.server.execute(f"create database {PLANT} character set utf8mb4")
        statements = [part.strip() for part in plant_schema(self.system).split(";\n")]
        self.execute(*filter(None, statements))
        run_blocking(self._fill())
        tables = [rows[0] for rows in self.fetch("show tables")]
        self.execute(
            f"create user {READER} identified by '{self.password}'",
            *(f"grant select on {table} to {READER}" for table in tables),
            f"grant insert, update on work_orders to {READER}",
        )

    async def _fill(self) -> None:
        for rows in plant_rows(self._size):
            names = ", ".join(f"`{column}`" for column in rows.columns)
            marks = ", ".join("%s" for _ in rows.columns)
            values = [tuple(_plain(value) for value in row) for row in rows.values]
            await self.server.insert(PLANT, f"insert into {rows.table} ({names}) values ({marks})", values)


def _plain(value: Any) -> Any:
    """Times are stored in UTC without saying so."""
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value
