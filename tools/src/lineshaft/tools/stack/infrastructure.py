from collections.abc import Mapping
from types import TracebackType
from typing import Self

from lineshaft.tools.stack.background import Background
from lineshaft.tools.stack.kafka import KafkaUnavailableError, make_kafka
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.postgres import Postgres
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor


class Infrastructure:
    """Kafka and Postgres, and nothing else: what integration tests need.

    `durable=False` skips fsync, for tests.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        durable: bool = True,
        progress: Progress | None = None,
        environment: Mapping[str, str] | None = None,
        topic_prefix: str = "lineshaft.",
    ) -> None:
        self.supervisor = Supervisor(layout, progress)
        try:
            self.kafka = make_kafka(self.supervisor, environment, topic_prefix=topic_prefix)
        except KafkaUnavailableError:
            self.supervisor.stop()
            raise
        self.postgres = Postgres(self.supervisor, durable=durable)

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Postgres is ready when this returns, Kafka is on its way."""
        prepared = Background(self.kafka.prepare)
        self.postgres.start()
        prepared.result()
        self.kafka.launch()

    def wait_until_ready(self) -> None:
        self.kafka.wait_until_ready()

    def stop(self) -> None:
        self.kafka.stop()
        self.postgres.stop()
        self.supervisor.stop()

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
