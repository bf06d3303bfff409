import sys
from collections.abc import Callable, Mapping
from functools import partial

import httpx

from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.kafka import Kafka
from lineshaft.tools.stack.ports import LOOPBACK, free_port
from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.service_settings import SERVICES, ServiceSettings
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor, stop_together

_READY_SECONDS = 60.0


def module_command(service: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"lineshaft.{service}")


class Services:
    """The five services as processes, each as often as `replicas` says.

    A replica is named after its service; from the second on with a number: `connector`, `connector-2`.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        kafka: Kafka,
        postgres: Postgres,
        settings: ServiceSettings,
        *,
        replicas: Mapping[str, int] | None = None,
        command_of: Callable[[str], tuple[str, ...]] = module_command,
    ) -> None:
        self._supervisor = supervisor
        self._kafka = kafka
        self._postgres = postgres
        self._settings = settings
        self._replicas = {service: (replicas or {}).get(service, 1) for service in SERVICES}
        self._command_of = command_of
        self._children: dict[str, Child] = {}
        self._ports: dict[str, int] = {}

    @property
    def urls(self) -> dict[str, str]:
        """Where each replica serves /healthz, /readyz and /metrics."""
        return {name: f"http://{LOOPBACK}:{port}" for name, port in self._ports.items()}

    def __getitem__(self, name: str) -> Child:
        return self._children[name]

    def replicas_of(self, service: str) -> list[Child]:
        return [
            child
            for name, child in self._children.items()
            if name == service or name.startswith(f"{service}-")
        ]

    def create_schemas(self) -> None:
        """The database roles and schemas, before any service starts."""
        build_step(
            "creating roles and schemas",
            [sys.executable, "-m", "lineshaft.common.postgres.bootstrap"],
            environment={
                "LINESHAFT_POSTGRES_ADMIN_DSN": self._postgres.dsn,
                "LINESHAFT_ROLE_PASSWORD": self._settings.role_password,
            },
        )

    def create_topics(self) -> None:
        if self._kafka.creates_topics:
            return
        build_step(
            "creating topics",
            [sys.executable, "-m", "lineshaft.common.kafka.create_topics"],
            environment=self._settings.kafka_environment(self._kafka.bootstrap_servers),
        )

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start all of them at once, or those that were stopped again."""
        for child in self._children.values():
            child.start_again()
        for service, count in self._replicas.items():
            while len(self.replicas_of(service)) < count:
                self.add_replica(service)
        self._supervisor.record()

    def add_replica(self, service: str) -> Child:
        """One more process of a service; wait_until_ready() then waits for it too."""
        number = len(self.replicas_of(service)) + 1
        name = service if number == 1 else f"{service}-{number}"
        port = self._settings.api_port if name == "api" else free_port()
        self._ports[name] = port
        self._children[name] = self._supervisor.start(
            Command(
                name=name,
                arguments=self._command_of(service),
                environment=self._settings.environment(
                    service, port, self._kafka.bootstrap_servers, self._postgres
                ),
                folder=self._supervisor.layout.checkout,
                restarts=True,
            )
        )
        return self._children[name]

    def wait_until_ready(self) -> None:
        for name, child in self._children.items():
            url = self.urls[name]
            child.wait_until_ready(partial(_ready, url), _READY_SECONDS)
            self._supervisor.progress.say(name, f"ready on {url}")

    def stop(self) -> None:
        stop_together(list(self._children.values()))


def _ready(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
