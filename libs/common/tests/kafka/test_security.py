"""Clients of a broker that asks who they are, over TLS and without."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from lineshaft.common import topics as registry
from lineshaft.common.errors import ConfigurationError
from lineshaft.common.kafka.consumer import Subscription
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message, Record
from lineshaft.common.kafka.security import KafkaSecurity, Protocol
from lineshaft.common.settings import Settings
from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.kafka_jars import java_and_maven_found
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import LOOPBACK
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.needs import needs

from .authority import Authority

USER, PASSWORD = "lineshaft", "its-password"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
LETTERS = registry.DEAD_LETTERS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(authority: Authority) -> Iterator[ApacheKafka]:
    needs("Java 17 or later and Maven", found=java_and_maven_found())
    supervisor = Supervisor(Layout.discover(f"secured-{os.getpid()}"), Progress(quiet=True))
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.key_and_certificate(LOOPBACK)),
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        prefix = f"listener.name.{listener}"
        settings |= {
            f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{prefix}.plain.sasl.jaas.config": PLAIN,
            f"{prefix}.scram-sha-512.sasl.jaas.config": SCRAM,
        }
    kafka = ApacheKafka(
        supervisor,
        settings=settings,
        listeners=["SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        users={USER: PASSWORD},
    )
    try:
        kafka.start()
        yield kafka
    finally:
        supervisor.stop()


@asynccontextmanager
async def producing(address: str, prefix: str, security: KafkaSecurity) -> AsyncIterator[Producer]:
    producer = Producer(address, prefix, "test", security)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("SSL", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-512"),
    ],
)
class TestEveryClientIsLetIn:
    pytestmark = pytest.mark.integration

    async def test_admin_producer_and_consumer(
        self,
        kafka: ApacheKafka,
        authority: Authority,
        protocol: Protocol,
        mechanism: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in {
            "SECURITY_PROTOCOL": protocol,
            "SASL_MECHANISM": mechanism,
            "USERNAME": USER,
            "PASSWORD": PASSWORD,
            "CA_FILE": str(authority.certificate),
        }.items():
            monkeypatch.setenv(f"LINESHAFT_KAFKA_{name}", value)
        security = Settings().kafka_security
        address, prefix = kafka.address(protocol), f"{protocol}.{mechanism}."
        assert await create_topics(address, prefix, 1, [LETTERS], security=security)
        received: asyncio.Queue[Record] = asyncio.Queue()

        async def handle(records: object) -> None:
            for record in records:  # type: ignore[attr-defined]
                received.put_nowait(record)

        async with producing(address, prefix, security) as producer:
            broker = KafkaBroker(address, security=security.for_broker(), apply_types=False, logger=None)
            subscription: Subscription[Record] = Subscription(
                "letters", [LETTERS], decode=lambda record: record, handle=handle
            )
            subscription.attach(broker, producer, service="test", topic_prefix=prefix)
            await broker.start()
            try:
                await producer.publish([Message(LETTERS.name, b"key", b"value")])
                assert (await asyncio.wait_for(received.get(), 30)).value == b"value"
            finally:
                subscription.stop()
                await broker.stop()


class TestOthersAreNot:
    pytestmark = pytest.mark.integration

    @pytest.mark.parametrize(
        "security",
        [
            KafkaSecurity(protocol="SASL_PLAINTEXT", username=USER, password="another"),
            KafkaSecurity(
                protocol="SASL_PLAINTEXT", mechanism="PLAIN", username="another", password=PASSWORD
            ),
        ],
        ids=["password", "user"],
    )
    async def test_a_wrong_login(self, kafka: ApacheKafka, security: KafkaSecurity) -> None:
        with pytest.raises(KafkaError):
            async with producing(kafka.address("SASL_PLAINTEXT"), "", security):
                pass

    async def test_a_broker_of_another_authority(self, kafka: ApacheKafka, tmp_path: Path) -> None:
        security = KafkaSecurity(protocol="SSL", ca_file=Authority(tmp_path).certificate)
        with pytest.raises(KafkaError):
            async with producing(kafka.address("SSL"), "", security):
                pass


@pytest.mark.parametrize(("given", "missing"), [("PASSWORD", "USERNAME"), ("USERNAME", "PASSWORD")])
def test_sasl_without_a_login_is_refused_by_name(
    given: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINESHAFT_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv(f"LINESHAFT_KAFKA_{given}", "something")
    with pytest.raises(ValidationError) as refused:
        Settings()
    [error] = refused.value.errors()
    assert error["loc"] == (f"kafka_{missing.lower()}",)
    assert "LINESHAFT_KAFKA_SECURITY_PROTOCOL=SASL_SSL needs it" in error["msg"]


def test_a_file_that_is_not_there_is_a_matter_of_configuration(tmp_path: Path) -> None:
    security = KafkaSecurity(protocol="SSL", ca_file=tmp_path / "missing.pem")
    with pytest.raises(ConfigurationError, match="LINESHAFT_KAFKA_CA_FILE"):
        security.for_client()
    with pytest.raises(ConfigurationError, match="LINESHAFT_KAFKA_CA_FILE"):
        security.for_broker()


def test_the_password_stands_in_no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_KAFKA_PASSWORD", PASSWORD)
    assert Settings().summary()["kafka_password"] == "set"
