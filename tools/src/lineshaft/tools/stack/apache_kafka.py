import base64
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaError

from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.build_tool import build_step
from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.kafka_jars import kafka_jars
from lineshaft.tools.stack.kafka_settings import server_properties
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

_START_SECONDS = 120.0


class ApacheKafka:
    """One KRaft node from the released jars; its data and port stay the same over stop, kill and start."""

    kind = "apache"
    creates_topics = False
    client_environment: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        heap: str = "512m",
        settings: Mapping[str, str] | None = None,
        name: str = "kafka",
        listeners: Sequence[str] = (),
        users: Mapping[str, str] | None = None,
    ) -> None:
        """`listeners` are protocols such as SASL_SSL that it answers beside the plain one.

        `users` (name -> password) can log in by SCRAM-SHA-512; `settings` say whatever else these need.
        """
        self._supervisor = supervisor
        self._heap = heap
        self._settings = dict(settings or {})
        self._name = name
        self._listeners = {protocol: free_port() for protocol in listeners}
        self._users = dict(users or {})
        self._child: Child | None = None
        self._folder = supervisor.layout.run / name
        self._port = free_port()
        self._controller_port = free_port()

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def address(self, protocol: str) -> str:
        """Bootstrap servers of one of the further `listeners`."""
        return f"{LOOPBACK}:{self._listeners[protocol]}"

    @property
    def child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._child

    def prepare(self) -> None:
        """Fetch the jars and format the storage: what a worker thread may do ahead of start()."""
        jars = kafka_jars(self._supervisor.layout, self._supervisor.progress)
        properties = self._folder / "server.properties"
        if properties.exists():
            return
        self._folder.mkdir(parents=True)
        data = self._folder / "data"
        ports = {"PLAINTEXT": self._port, **self._listeners}
        text = server_properties(data, ports, self._controller_port, self._settings)
        properties.write_text(text, encoding="utf-8")
        build_step(
            "formatting Kafka's storage",
            [
                *self._java(jars, heap="128m"),
                *("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", properties),
                *(argument for user in self._users.items() for argument in _scram(*user)),
            ],
        )

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start without waiting, so that other parts can start meanwhile."""
        self.prepare()
        if self._child is None:
            jars = kafka_jars(self._supervisor.layout, self._supervisor.progress)
            command = Command(
                name=self._name,
                arguments=(
                    *self._java(jars, heap=self._heap),
                    "kafka.Kafka",
                    str(self._folder / "server.properties"),
                ),
                environment=_environment(),
                folder=self._folder,
            )
            self._child = self._supervisor.start(command)
        else:
            self._child.start_again()
            self._supervisor.record()

    def wait_until_ready(self) -> None:
        self.child.wait_until_ready(self._answers, _START_SECONDS)
        self._supervisor.progress.say(self._name, f"ready on {self.bootstrap_servers}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        self.child.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self.child.freeze()

    def thaw(self) -> None:
        self.child.thaw()

    def _answers(self) -> bool:
        return accepts_connections(self._port) and run_blocking(_has_metadata(self.bootstrap_servers))

    def _java(self, jars: Path, heap: str) -> list[str]:
        logging = self._supervisor.layout.checkout / "tools" / "kafka" / "log4j2.xml"
        return [
            *("java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *("-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={logging}", "-cp", f"{jars}/*"),
        ]


async def _has_metadata(bootstrap_servers: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


def _cluster_id() -> str:
    # it follows an option, so it must not begin with a dash
    return "L" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def _scram(name: str, password: str) -> tuple[str, str]:
    return "--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"


def _environment() -> dict[str, str]:
    return {
        key: os.environ[key]
        for key in ("PATH", "HOME", "JAVA_HOME", "JAVA_TOOL_OPTIONS")
        if key in os.environ
    }
