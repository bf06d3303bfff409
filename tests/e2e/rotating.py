"""What an operator does to rotate encryption keys, and customers who go on meanwhile."""

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace

import httpx

from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.stack.stack import Stack

ORDER = ("connector", "notifier", "api")


def restart_one_by_one(stack: Stack, secret_keys: str) -> None:
    """`api` last, so that nobody meets a key that he does not have."""
    for service in ORDER:
        _set_keys(stack, service, secret_keys)
        stack.services[service].stop()
        stack.services.start()


def restart_together(stack: Stack, secret_keys: str) -> None:
    for service in ORDER:
        _set_keys(stack, service, secret_keys)
    stack.services.stop()
    stack.services.start()


def _set_keys(stack: Stack, service: str, secret_keys: str) -> None:
    child = stack.services[service]
    environment = {**child.command.environment, "LINESHAFT_SECRET_KEYS": secret_keys}
    child.command = replace(child.command, environment=environment)


def cli(stack: Stack, *arguments: str, secret_keys: str = "") -> subprocess.CompletedProcess[str]:
    """`lineshaft ...` with the database role of `api`."""
    dsn = stack.postgres.dsn_for("lineshaft_api", stack.settings.role_password)
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "lineshaft.cli.main", *arguments],
        env={**os.environ, "LINESHAFT_POSTGRES_DSN": dsn, "LINESHAFT_SECRET_KEYS": secret_keys},
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass
class Customers:
    """Connect one after another, which stores and reads credentials, sessions and codes."""

    vendor: Vendor
    fields: dict[str, str]
    connected: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._connect, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _connect(self) -> None:
        while not self._over.wait(0.5):
            # `api` itself is away for a moment while it is restarted, or leads to the page that waits
            with contextlib.suppress(httpx.TransportError, KeyError):
                try:
                    self.connected.append(self.vendor.connect("tryton", self.fields))
                except RuntimeError as error:
                    self.refused.append(str(error))
