import os
import sys
from collections.abc import Mapping
from typing import ClassVar

from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.stack.supervisor import Supervisor

_START_SECONDS = 30.0


class EmbeddedKafka:
    """A broker in memory from a wheel, for machines without Java; docs/decisions/0007-embedded-broker.md.

    A start after stop() or kill() is a new, empty broker with another address.
    """

    kind = "embedded"
    creates_topics = True
    # It answers an empty fetch when the wait is over and not before, and lets a member that comes back after
    # the group was left wait for a session's length less one second.
    client_environment: ClassVar[Mapping[str, str]] = {
        "LINESHAFT_FETCH_WAIT_MS": "20",
        "LINESHAFT_SESSION_SECONDS": "6",
    }

    def __init__(self, supervisor: Supervisor, *, topic_prefix: str, name: str = "kafka") -> None:
        self._supervisor = supervisor
        self._topic_prefix = topic_prefix
        self._name = name
        self._address_file = supervisor.layout.run / name / "address"
        self._child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Empty until the broker is ready: the kernel picks the port."""
        try:
            return self._address_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @property
    def child(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self._name} was not started")
        return self._child

    def prepare(self) -> None:
        pass

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        self._address_file.unlink(missing_ok=True)
        if self._child is None:
            broker = "lineshaft.tools.stack.embedded_kafka_broker"
            command = Command(
                name=self._name,
                arguments=(sys.executable, "-m", broker, self._topic_prefix, str(self._address_file)),
                environment=os.environ,
            )
            self._child = self._supervisor.start(command)
        else:
            self._child.start_again()
            self._supervisor.record()
        self._supervisor.progress.say(
            self._name,
            "embedded broker: for the demo only; it keeps at most 5 MiB a partition, in memory, "
            "and all of it is lost when it ends",
        )

    def wait_until_ready(self) -> None:
        self.child.wait_until_ready(self._address_file.exists, _START_SECONDS)
        self._supervisor.progress.say(self._name, f"ready on {self.bootstrap_servers}")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        self.child.kill()
