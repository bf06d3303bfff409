import os
import secrets
import signal
import time
from pathlib import Path

import asyncpg

from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.build_tool import run_tool
from lineshaft.tools.stack.child import Child, StartError
from lineshaft.tools.stack.files import write_atomically
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.postgres_binaries import postgres_binaries
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

SUPERUSER = "postgres"
DATABASE = "lineshaft"
_START_SECONDS = 60.0
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class Postgres:
    """One server on the loopback interface with a database `lineshaft`, gone with the run."""

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        durable: bool = True,
        name: str = "postgres",
        binaries: Path | None = None,
    ) -> None:
        """`binaries` in place of our own."""
        self._supervisor = supervisor
        self._durable = durable
        self._binaries = binaries
        self._name = name
        self._account = unprivileged_account()
        self._child: Child | None = None
        self._data = supervisor.layout.folder_for(self._account) / name
        self.host = LOOPBACK
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self._data

    @property
    def dsn(self) -> str:
        """The superuser's."""
        return self.dsn_for(SUPERUSER, self.password)

    def dsn_for(self, user: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"

    @property
    def child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._child

    def start(self) -> None:
        """Start, or start again on the same data and port after stop() or kill()."""
        binaries = self._binaries or postgres_binaries(self._supervisor.layout, self._account)
        if self._child is None:
            self._create_data_folder(binaries)
            self._child = self._supervisor.start(self._command(binaries))
        else:
            self._child.start_again()
        self._wait_until_ready()
        self._supervisor.record()
        self._supervisor.progress.say(self._name, f"ready on {self.host}:{self.port}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """SIGKILL to the server: its backends end by themselves, the next start recovers from the log."""
        self.child.kill()

    def create_database(self, name: str, owner: str = SUPERUSER) -> None:
        run_blocking(self.execute(f'CREATE DATABASE "{name}" OWNER "{owner}"'))

    def drop_database(self, name: str) -> None:
        run_blocking(self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.child.wait_until_ready(self._answers, _START_SECONDS)
            except StartError as error:
                # After a kill the last backends may hold the old shared memory for a moment.
                if "pre-existing shared memory block" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                self.child.start_again()
            else:
                return

    def _answers(self) -> bool:
        if not accepts_connections(self.port):
            return False
        try:
            run_blocking(self.execute("SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    async def execute(self, statement: str) -> None:
        """As the superuser."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _command(self, binaries: Path) -> Command:
        settings = {"max_connections": "300", "unix_socket_directories": "", "log_timezone": "UTC"}
        if not self._durable:
            # Safe against a killed server, not against a crash of the machine.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return Command(
            name=self._name,
            arguments=(
                str(binaries / "postgres"),
                *("-D", str(self._data), "-h", self.host, "-p", str(self.port)),
                *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
            ),
            environment=_ENVIRONMENT,
            account=self._account,
            # A fast shutdown in both cases: SIGTERM would wait for every client to leave.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    def _create_data_folder(self, binaries: Path) -> None:
        parent = self._data.parent
        parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        parent.chmod(0o711)
        password_file = parent / f"{self._name}.password"
        self._data.mkdir(mode=0o700)
        self._give_to_account(self._data)
        # others may be older than the builtin provider
        locale = () if self._binaries else ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        try:
            write_atomically(password_file, self.password)
            self._give_to_account(password_file)
            self._run_as_owner(
                *(str(binaries / "initdb"), "-D", str(self._data), "-U", SUPERUSER),
                *("--encoding=UTF8", "--locale=C", *locale),
                *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", "--no-instructions"),
            )
        finally:
            password_file.unlink(missing_ok=True)
        self._run_as_owner(
            *(str(binaries / "postgres"), "--single", "-D", str(self._data), "-c", "fsync=off", "postgres"),
            text=f"CREATE DATABASE {DATABASE};\n",
        )

    def _give_to_account(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.user_id, self._account.group_id)

    def _run_as_owner(self, *arguments: str, text: str = "") -> None:
        command = Command(
            name=Path(arguments[0]).name,
            arguments=arguments,
            environment=_ENVIRONMENT,
            account=self._account,
        )
        run_tool(command, text=text)
