import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.stack.tryton_environment import (
    DATABASE,
    PlantSize,
    clean_environment,
    plant_template,
    read_credentials,
    tryton_python,
    write_configuration,
)
from lineshaft.tools.stack.tryton_operator import TrytonOperator
from lineshaft.tools.stack.tryton_rpc import OPERATOR_MARK, TrytonSession

ADMINISTRATOR = "admin"
_START_SECONDS = 60.0
STORY_OBJECT = "purchase.purchase"
_REQUEST = re.compile(rf"[A-Z]+ /{DATABASE}/(?P<target>\S*) HTTP/")


class TrytonSource:
    """A Tryton server with a plant of its own: a copy of the cached template per start of the stack."""

    system = "tryton"
    item_label = "rec_name"

    def __init__(
        self, supervisor: Supervisor, *, size: PlantSize | None = None, name: str = "tryton"
    ) -> None:
        self._supervisor = supervisor
        self._size = size or PlantSize()
        self._name = name
        self._port = free_port()
        self._folder = supervisor.layout.fast_folder / name
        self._child: Child | None = None
        self._operator: TrytonOperator | None = None
        self.database = DATABASE
        self.username = ""
        self.password = ""
        self._administrator_password = ""

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def connection_fields(self) -> dict[str, str]:
        """What a customer enters to connect this system."""
        return {
            "base_url": self.base_url,
            "database": self.database,
            "username": self.username,
            "password": self.password,
        }

    @property
    def administrator(self) -> dict[str, str]:
        return {"username": ADMINISTRATOR, "password": self._administrator_password}

    @property
    def child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._child

    @property
    def operator(self) -> TrytonOperator:
        if self._operator is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._operator

    def prepare(self) -> None:
        """Build what is not in the cache: what a worker thread may do ahead of start()."""
        plant_template(self._supervisor.layout, self._supervisor.progress, self._size)

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start on a fresh copy of the plant, or again on the same one after stop() or kill()."""
        layout, progress = self._supervisor.layout, self._supervisor.progress
        if self._child is not None:
            self._child.start_again()
            self._supervisor.record()
            return
        template = plant_template(layout, progress, self._size)
        configuration = self._copy(template)
        credentials = read_credentials(template)
        self.username, self.password = credentials["username"], credentials["password"]
        self._administrator_password = credentials["admin_password"]
        admin = TrytonSession(self.base_url, self.database, ADMINISTRATOR, self._administrator_password)
        self._operator = TrytonOperator(admin, self.username)
        python = tryton_python(layout, progress)
        self._child = self._supervisor.start(
            Command(
                name=self._name,
                arguments=(
                    *(str(python), "-m", "trytond.cli"),
                    # Without a named database the first calls fail on models that are not loaded.
                    *("-c", str(configuration), "-d", self.database),
                ),
                environment=clean_environment(),
                folder=self._folder,
            )
        )

    def wait_until_ready(self) -> None:
        self.child.wait_until_ready(self._answers, _START_SECONDS)
        self._supervisor.progress.say(self._name, f"ready on {self.base_url}, database {self.database}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        self.child.kill()

    def change_password(self, password: str) -> None:
        self.operator.change_password(password)
        self.password = password

    def revoke_one_object(self) -> str:
        self.operator.revoke_read(STORY_OBJECT)
        return STORY_OBJECT

    def restore_one_object(self) -> None:
        self.operator.restore_read(STORY_OBJECT)

    def unlock_logins(self) -> None:
        """Forget failed logins, which would answer 429 to that name for the length of a session.

        Tryton has no interface for this.
        """
        with closing(sqlite3.connect(self._folder / f"{self.database}.sqlite", timeout=10)) as connection:
            connection.execute("DELETE FROM res_user_login_attempt")
            connection.commit()

    def requests_seen(self) -> int:
        """Requests about the plant so far, the operator's own apart."""
        text = self.child.log.read_text(encoding="utf-8", errors="replace")
        return sum(OPERATOR_MARK not in match["target"] for match in _REQUEST.finditer(text))

    def _copy(self, template: Path) -> Path:
        self._folder.mkdir(parents=True)
        shutil.copy2(template / f"{self.database}.sqlite", self._folder)
        return write_configuration(self._folder, self._port)

    def _answers(self) -> bool:
        if not accepts_connections(self._port):
            return False
        question = {"id": 1, "method": "common.server.version", "params": []}
        try:
            answer = httpx.post(f"{self.base_url}/rpc/", json=question, timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK
