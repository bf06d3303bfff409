import os
import secrets
import sys
from dataclasses import asdict
from typing import Any

import httpx

from lineshaft.sandbox.plant import PlantSize
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.plant_database import STORY_OBJECT
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

USERNAME = "lineshaft"
_START_SECONDS = 30.0


class SandboxSource:
    """The sandbox as a process of its own; what its admin can do is here for stories and tests."""

    system = "sandbox"
    item_label = "name"

    def __init__(
        self, supervisor: Supervisor, *, size: PlantSize | None = None, name: str = "sandbox"
    ) -> None:
        self._supervisor = supervisor
        self._size = size or PlantSize()
        self._name = name
        self._port, self._admin_port = free_port(), free_port()
        self._admin_token = secrets.token_urlsafe(18)
        self._child: Child | None = None
        self.username = USERNAME
        self.password = secrets.token_urlsafe(12)
        self.client_secret = secrets.token_urlsafe(18)

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def connection_fields(self) -> dict[str, str]:
        """What a customer enters to connect this system."""
        return {"base_url": self.base_url, "username": self.username, "password": self.password}

    @property
    def administrator(self) -> dict[str, str]:
        return {
            "url": f"http://{LOOPBACK}:{self._admin_port}/admin",
            "bearer token": self._admin_token,
        }

    def prepare(self) -> None:
        """Nothing is built."""

    def launch(self) -> None:
        if self._child is not None:
            self._child.start_again()
        else:
            self._child = self._supervisor.start(self._command())
        self._supervisor.record()

    def wait_until_ready(self) -> None:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        self._child.wait_until_ready(self._answers, _START_SECONDS)
        self._supervisor.progress.say(self._name, f"ready on {self.base_url}")

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def change_password(self, password: str) -> None:
        self.admin("PUT", "/credentials", {"password": password})
        self.password = password

    def requests_seen(self) -> int:
        return int(self.state()["requests"])

    def revoke_one_object(self) -> str:
        self.fault(forbidden_objects=[STORY_OBJECT])
        return STORY_OBJECT

    def restore_one_object(self) -> None:
        self.fault(forbidden_objects=[])

    def fault(self, **faults: Any) -> None:
        """These faults on top of those that there are."""
        self.admin("PUT", "/faults", faults)

    def mend(self) -> None:
        self.admin("DELETE", "/faults")
        self.admin("PUT", "/door", {"open": True})

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.admin("GET", "")
        return state

    def requests(self) -> list[dict[str, Any]]:
        """The last ones, oldest first."""
        requests: list[dict[str, Any]] = self.admin("GET", "/requests")["data"]
        return requests

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method,
            f"http://{LOOPBACK}:{self._admin_port}/admin{path}",
            json=body,
            headers={"authorization": f"Bearer {self._admin_token}"},
            timeout=10,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def oauth(self, **habits: Any) -> dict[str, Any]:
        """What the provider of tokens has done so far; with `habits` on top of those it has."""
        if habits:
            self.admin("PUT", "/oauth", habits)
        counted: dict[str, Any] = self.state()["oauth"]
        return counted

    def revoke_tokens(self) -> None:
        self.admin("DELETE", "/oauth/tokens")

    def _answers(self) -> bool:
        try:
            self.state()
        except httpx.TransportError:
            return False
        return True

    def _command(self) -> Command:
        return Command(
            name=self._name,
            arguments=(
                *(sys.executable, "-m", "lineshaft.sandbox", "--username", self.username),
                *("--port", str(self._port), "--admin-port", str(self._admin_port)),
                *(f"--{name.replace('_', '-')}={count}" for name, count in asdict(self._size).items()),
            ),
            environment={
                **os.environ,
                "SANDBOX_PASSWORD": self.password,
                "SANDBOX_ADMIN_TOKEN": self._admin_token,
                "SANDBOX_CLIENT_SECRET": self.client_secret,
            },
        )
