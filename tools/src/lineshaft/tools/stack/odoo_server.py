import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import httpx

from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.postgres_binaries import postgres_binaries
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

DATABASE = "plant"
_ROLE = "odoo"
_START_SECONDS = 120.0


class OdooServer:
    """Odoo with a PostgreSQL of its own."""

    def __init__(self, supervisor: Supervisor, python: Path, start: Path, *, name: str) -> None:
        self._supervisor = supervisor
        self._python = python
        self._start = start
        self._name = name
        self._port = free_port()
        self._folder = supervisor.layout.fast_folder / name
        self._child: Child | None = None
        self._postgres = Postgres(supervisor, durable=False, name=f"{name}-postgres")
        self.database = DATABASE

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._child

    def start_database(self, dump: Path | None = None) -> None:
        """An empty one, or what a dump holds."""
        self._postgres.start()
        # Odoo refuses to work as the role `postgres`.
        role = f"create role {_ROLE} login superuser password '{self._postgres.password}'"
        run_blocking(self._postgres.execute(role))
        if dump is not None:
            self._postgres.create_database(DATABASE, owner=_ROLE)
            self.run_tool("pg_restore", "--no-owner", f"--role={_ROLE}", "--jobs=2", str(dump))
        self._configure()

    def install(self, modules: Sequence[str]) -> None:
        build_step(
            "installing Odoo's modules", [*self._command("-i", ",".join(modules)), "--stop-after-init"]
        )

    def launch(self) -> None:
        if self._child is not None:
            self._child.start_again()
            return
        self._child = self._supervisor.start(
            Command(
                name=self._name,
                arguments=self._command(),
                environment={key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
                folder=self._folder,
            )
        )

    def wait_until_ready(self) -> None:
        self.child.wait_until_ready(self._answers, _START_SECONDS)

    def stop_odoo(self) -> None:
        if self._child is not None:
            self._child.stop()

    def stop(self) -> None:
        self.stop_odoo()
        self._postgres.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run_tool(self, tool: str, *arguments: str) -> None:
        """A tool of PostgreSQL on the plant's database."""
        binaries = postgres_binaries(self._supervisor.layout, unprivileged_account())
        build_step(
            tool,
            [
                *(binaries / tool, "--host", self._postgres.host, "--port", str(self._postgres.port)),
                *("--username", _ROLE, f"--dbname={DATABASE}", *arguments),
            ],
            environment={"PGPASSWORD": self._postgres.password},
        )

    def _command(self, *arguments: str) -> tuple[str, ...]:
        configuration = str(self._folder / "odoo.conf")
        return (str(self._python), str(self._start), "-c", configuration, "-d", DATABASE, *arguments)

    def _configure(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "db_host": self._postgres.host,
            "db_port": self._postgres.port,
            "db_user": _ROLE,
            "db_password": self._postgres.password,
            "xmlrpc_interface": LOOPBACK,
            "xmlrpc_port": self._port,
            "longpolling_port": free_port(),
            "max_cron_threads": 0,
            "without_demo": "all",
            "data_dir": self._folder / "data",
            "list_db": False,
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self._folder / "odoo.conf").write_text(f"[options]\n{lines}", encoding="utf-8")

    def _answers(self) -> bool:
        # Before that it answers too, and knows half of its models.
        loaded = f" {self.child.pid} INFO {DATABASE} odoo.modules.loading: Modules loaded."
        if loaded not in self.child.log.read_text(encoding="utf-8", errors="replace"):
            return False
        if not accepts_connections(self._port):
            return False
        call = {"service": "common", "method": "version", "args": []}
        body = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": call}
        try:
            # The first request to a new server always fails: it loads what is packaged in part only.
            answer = httpx.post(f"{self.base_url}/jsonrpc?operator", json=body, timeout=30, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK
