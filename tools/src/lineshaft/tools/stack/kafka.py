"""Which Kafka a run uses: somebody's own, Apache Kafka from its jars, or the embedded broker."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import ClassVar, Protocol, assert_never

from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.ci import in_ci
from lineshaft.tools.stack.embedded_kafka import EmbeddedKafka
from lineshaft.tools.stack.kafka_jars import java_and_maven_found
from lineshaft.tools.stack.supervisor import Supervisor


class KafkaUnavailableError(RuntimeError):
    """No Kafka can be started here."""


class KafkaKind(StrEnum):
    EXTERNAL = "external"
    APACHE = "apache"
    EMBEDDED = "embedded"


class Kafka(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def bootstrap_servers(self) -> str: ...

    @property
    def creates_topics(self) -> bool:
        """It makes every topic when it starts; there is no other way to have them made."""
        ...

    @property
    def client_environment(self) -> Mapping[str, str]:
        """Settings that services need on this Kafka and on no other."""
        ...

    def prepare(self) -> None: ...

    def launch(self) -> None: ...

    def wait_until_ready(self) -> None: ...

    def stop(self) -> None: ...


class ExternalKafka:
    """A cluster that somebody else runs: nothing is started or stopped."""

    kind = "external"
    creates_topics = False
    client_environment: ClassVar[Mapping[str, str]] = {}

    def __init__(self, supervisor: Supervisor, bootstrap_servers: str) -> None:
        self._supervisor = supervisor
        self._bootstrap_servers = bootstrap_servers

    @property
    def bootstrap_servers(self) -> str:
        return self._bootstrap_servers

    def prepare(self) -> None:
        pass

    def launch(self) -> None:
        pass

    def wait_until_ready(self) -> None:
        self._supervisor.progress.say("kafka", f"external, on {self._bootstrap_servers}")

    def stop(self) -> None:
        pass


def choose_kafka(
    environment: Mapping[str, str], apache_possible: Callable[[], bool] = java_and_maven_found
) -> KafkaKind:
    """KAFKA_BOOTSTRAP_SERVERS, then KAFKA, then Apache Kafka where Java and Maven are, then embedded.

    In CI a missing Java is an error: a green run must have seen Apache Kafka.
    """
    if environment.get("KAFKA_BOOTSTRAP_SERVERS"):
        return KafkaKind.EXTERNAL
    wanted = environment.get("KAFKA", "")
    if wanted and wanted not in (KafkaKind.APACHE, KafkaKind.EMBEDDED):
        raise KafkaUnavailableError(f"KAFKA is apache or embedded, not {wanted!r}")
    if wanted == KafkaKind.EMBEDDED:
        return KafkaKind.EMBEDDED
    if apache_possible():
        return KafkaKind.APACHE
    if wanted == KafkaKind.APACHE or in_ci(environment):
        raise KafkaUnavailableError("Apache Kafka needs Java 17 or later and Maven on the PATH")
    return KafkaKind.EMBEDDED


def make_kafka(
    supervisor: Supervisor,
    environment: Mapping[str, str] | None = None,
    *,
    topic_prefix: str = "lineshaft.",
) -> Kafka:
    environment = os.environ if environment is None else environment
    kind = choose_kafka(environment)
    match kind:
        case KafkaKind.EXTERNAL:
            return ExternalKafka(supervisor, environment["KAFKA_BOOTSTRAP_SERVERS"])
        case KafkaKind.APACHE:
            return ApacheKafka(supervisor)
        case KafkaKind.EMBEDDED:
            return EmbeddedKafka(supervisor, topic_prefix=topic_prefix)
        case _:
            assert_never(kind)
