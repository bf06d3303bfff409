from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from lineshaft.tools.stack.background import Background
from lineshaft.tools.stack.infrastructure import Infrastructure
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import free_port, preferred_port
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.service_settings import ServiceSettings
from lineshaft.tools.stack.services import Services, module_command
from lineshaft.tools.stack.sources import Source, source_maker
from lineshaft.tools.stack.state import ConnectionState, SourceState, StackState, write_state

API_PORT = 8080


class Stack:
    """Everything: Kafka, Postgres, the services and, where one is named, a source system.

    `api_port` is taken if it is free; None takes any free one.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        source: str | None = None,
        durable: bool = True,
        progress: Progress | None = None,
        replicas: Mapping[str, int] | None = None,
        extra_environment: Mapping[str, str] | None = None,
        api_port: int | None = None,
        topic_prefix: str = "lineshaft.",
        command_of: Callable[[str], tuple[str, ...]] = module_command,
    ) -> None:
        make_source = source_maker(source) if source else None
        self._layout = layout
        self.infrastructure = Infrastructure(
            layout, durable=durable, progress=progress, topic_prefix=topic_prefix
        )
        self.supervisor = self.infrastructure.supervisor
        self.kafka = self.infrastructure.kafka
        self.postgres = self.infrastructure.postgres
        self.settings = ServiceSettings(
            integrations=layout.checkout / "integrations",
            api_port=free_port() if api_port is None else preferred_port(api_port),
            topic_prefix=topic_prefix,
            extra_environment={**self.kafka.client_environment, **(extra_environment or {})},
        )
        self.services = Services(
            self.supervisor,
            self.kafka,
            self.postgres,
            self.settings,
            replicas=replicas,
            command_of=command_of,
        )
        self._source = make_source(self.supervisor) if make_source else None
        self._ready = False
        self._connections: Sequence[ConnectionState] = ()

    @property
    def api_url(self) -> str:
        return self.settings.public_url

    @property
    def admin_key(self) -> str:
        return self.settings.admin_key

    @property
    def has_source(self) -> bool:
        return self._source is not None

    @property
    def source(self) -> Source:
        if self._source is None:
            raise RuntimeError("this stack has no source system")
        return self._source

    def start(self) -> None:
        """1. Build what is missing and start Kafka and Postgres. 2. Schemas and topics.

        3. The services and the source system, side by side. 4. Say in stack.json that all is ready.
        """
        self.supervisor.on_change = self.write_state
        self.write_state()
        prepared = Background(self._source.prepare) if self._source else None
        self.infrastructure.launch()
        self.services.create_schemas()
        self.infrastructure.wait_until_ready()
        self.services.create_topics()
        self.services.launch()
        if self._source and prepared:
            prepared.result()
            self._source.launch()
            self._source.wait_until_ready()
        self.services.wait_until_ready()
        self._ready = True
        self.write_state()

    def stop(self) -> None:
        self._ready = False
        self.supervisor.on_change = None
        self.services.stop()
        if self._source:
            self._source.stop()
        self._layout.stack_file.unlink(missing_ok=True)
        self.infrastructure.stop()

    def note_connections(self, connections: Sequence[ConnectionState]) -> None:
        """Put the connections that were made into stack.json."""
        self._connections = connections
        self.write_state()

    def write_state(self) -> None:
        state: StackState = {
            "ready": self._ready,
            "api_url": self.api_url,
            "admin_key": self.admin_key,
            "kafka_bootstrap": self.kafka.bootstrap_servers,
            "postgres_dsn": self.postgres.dsn,
            "metrics": {name: f"{url}/metrics" for name, url in self.services.urls.items()},
            "source": self._source_state(),
            "connections": list(self._connections),
            "pids": self.supervisor.pids(),
        }
        write_state(self._layout.stack_file, state)

    def _source_state(self) -> SourceState | None:
        if self._source is None or not self._ready:
            return None
        return {
            "system": self._source.system,
            "connection_fields": self._source.connection_fields,
            "administrator": self._source.administrator,
        }

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
