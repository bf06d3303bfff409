"""An Alertmanager as a child process, which hands alerts on to one address at once."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import yaml

from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.spawner import Command

_START_SECONDS = 30.0
_PROGRAMS = ("prometheus-alertmanager", "alertmanager")
"""As Debian names it, and as its makers do."""


def alertmanager_program() -> str | None:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


class Alertmanager:
    def __init__(self, receiver_url: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lineshaft-alertmanager-"))
        self._port = free_port()
        self._receiver_url = receiver_url
        self._child: Child | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> None:
        program = alertmanager_program()
        if program is None:
            raise RuntimeError("No `prometheus-alertmanager` on the PATH: install the package of that name.")
        settings = self._folder / "alertmanager.yml"
        document = {
            "route": {
                "receiver": "here",
                "group_by": ["alertname"],
                "group_wait": "0s",
                "group_interval": "1s",
            },
            "receivers": [{"name": "here", "webhook_configs": [{"url": self._receiver_url}]}],
        }
        settings.write_text(yaml.safe_dump(document), encoding="utf-8")
        command = Command(
            name="alertmanager",
            arguments=(
                program,
                f"--config.file={settings}",
                f"--storage.path={self._folder / 'data'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ),
            environment={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
            folder=self._folder,
        )
        self._child = Child(command, self._folder / "alertmanager.log")
        self._child.wait_until_ready(self._answers, _START_SECONDS)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}/-/ready", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False
