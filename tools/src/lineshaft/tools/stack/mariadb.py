import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncmy
from asyncmy.errors import MySQLError

from lineshaft.tools.stack.accounts import unprivileged_account
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.build_tool import run_tool
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.files import write_atomically
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

OPERATOR = "operator"
_START_SECONDS = 60.0
_ENVIRONMENT = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}


class MariaDbUnavailableError(RuntimeError):
    """There is no mariadbd on PATH; Debian's package mariadb-server has it."""


def mariadb_found() -> bool:
    return _found("mariadbd") is not None


def mariadb_program(name: str = "mariadbd") -> Path:
    """Where it is.

    Raises MariaDbUnavailableError.
    """
    found = _found(name)
    if found is None:
        raise MariaDbUnavailableError(MariaDbUnavailableError.__doc__)
    return Path(found)


def _found(name: str) -> str | None:
    """Debian keeps the server in a folder that is not on everybody's PATH."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


class MariaDb:
    """One server on the loopback interface, gone with the run; `options` are those of mariadbd."""

    def __init__(
        self, supervisor: Supervisor, *, name: str = "mariadb", options: Mapping[str, str] | None = None
    ) -> None:
        self._supervisor = supervisor
        self._name = name
        self.options = dict(options or {})
        self._account = unprivileged_account()
        self._folder = supervisor.layout.folder_for(self._account) / name
        self._child: Child | None = None
        self.host = LOOPBACK
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)

    def start(self) -> None:
        """Start, or start again on the same data and port after stop()."""
        program = mariadb_program()
        if self._child is None:
            self._create_data_folder()
            self._child = self._supervisor.start(self._command(program))
        else:
            self._child.start_again()
        self._child.wait_until_ready(self._answers, _START_SECONDS)
        self._supervisor.record()
        self._supervisor.progress.say(self._name, f"ready on {self.host}:{self.port}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def execute(self, *statements: str, database: str | None = None) -> None:
        """As the operator, who may do everything."""
        run_blocking(self._execute(statements, database))

    def fetch(self, query: str, database: str | None = None) -> list[tuple[Any, ...]]:
        return run_blocking(self._fetch(query, database))

    async def insert(self, database: str, statement: str, rows: list[tuple[Any, ...]]) -> None:
        connection = await self._connect(database)
        try:
            async with connection.cursor() as cursor:
                await cursor.executemany(statement, rows)
        finally:
            await connection.ensure_closed()

    async def _connect(self, database: str | None) -> Any:
        return await asyncmy.connect(
            host=self.host,
            port=self.port,
            user=OPERATOR,
            password=self.password,
            database=database,
            autocommit=True,
            charset="utf8mb4",
        )

    async def _execute(self, statements: tuple[str, ...], database: str | None) -> None:
        connection = await self._connect(database)
        try:
            async with connection.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
        finally:
            await connection.ensure_closed()

    async def _fetch(self, query: str, database: str | None) -> list[tuple[Any, ...]]:
        connection = await self._connect(database)
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(query)
                return list(await cursor.fetchall())
        finally:
            await connection.ensure_closed()

    def _answers(self) -> bool:
        if not accepts_connections(self.port):
            return False
        try:
            run_blocking(self._fetch("select 1", None))
        except (OSError, MySQLError):
            return False
        return True

    def _command(self, program: Path) -> Command:
        options = {
            "datadir": str(self._folder / "data"),
            "init-file": str(self._folder / "operator.sql"),
            "bind-address": self.host,
            "port": str(self.port),
            "socket": str(self._folder / "socket"),
            "pid-file": str(self._folder / "pid"),
            "skip-log-bin": "1",
            "skip-name-resolve": "1",
            "innodb-flush-log-at-trx-commit": "0",
            "innodb-buffer-pool-size": "32M",
            "innodb-log-file-size": "16M",
            "aria-pagecache-buffer-size": "8M",
            "key-buffer-size": "1M",
            **self.options,
        }
        return Command(
            name=self._name,
            arguments=(
                *(str(program), "--no-defaults"),
                *(f"--{key}={value}" for key, value in options.items()),
            ),
            environment=_ENVIRONMENT,
            account=self._account,
        )

    def _create_data_folder(self) -> None:
        """The operator may come from anywhere; the anonymous user, who would be taken for others, goes."""
        self._folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700)
        first = self._folder / "operator.sql"
        write_atomically(
            first,
            "delete from mysql.global_priv where User = '';\nflush privileges;\n"
            f"create user if not exists '{OPERATOR}'@'%' identified by '{self.password}';\n"
            f"grant all privileges on *.* to '{OPERATOR}'@'%' with grant option;\n",
        )
        for path in (self._folder, first):
            if self._account is not None:
                os.chown(path, self._account.user_id, self._account.group_id)
        run_tool(
            Command(
                name="mariadb-install-db",
                arguments=(
                    *(str(mariadb_program("mariadb-install-db")), "--no-defaults", "--skip-test-db"),
                    *("--auth-root-authentication-method=normal", f"--datadir={self._folder / 'data'}"),
                ),
                environment=_ENVIRONMENT,
                account=self._account,
            )
        )
