"""The main story on an Apache Kafka that enforces access control, each service with its documented rights."""

import os
from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from lineshaft.common.errors import RetryableError
from lineshaft.common.kafka.create_topics import create_topics
from lineshaft.common.kafka.producer import Producer
from lineshaft.common.kafka.record import Message
from lineshaft.common.kafka.security import KafkaSecurity, Protocol
from lineshaft.common.topics import CONNECTIONS, NOTIFICATION_EVENTS, TOPICS
from lineshaft.tools.demo.receiver import WebhookReceiver
from lineshaft.tools.demo.story import Story
from lineshaft.tools.demo.vendor import Vendor
from lineshaft.tools.generate.kafka_rights import kafka_rights
from lineshaft.tools.stack.apache_kafka import ApacheKafka
from lineshaft.tools.stack.blocking import run_blocking
from lineshaft.tools.stack.kafka_jars import java_and_maven_found
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.service_settings import SERVICES
from lineshaft.tools.stack.services import module_command
from lineshaft.tools.stack.stack import Stack
from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.testing.needs import needs

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.nightly, pytest.mark.timeout(400)]

PREFIX = "lineshaft."
LISTENER: Protocol = "SASL_PLAINTEXT"
JOB = "topics"
NAME = f"rights-{os.getpid()}"
PASSWORDS = {user: f"password-of-{user}" for user in (*SERVICES, JOB)}
ENFORCED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # The broker itself and this test, on the listener without a login.
    "super.users": "User:ANONYMOUS",
    "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
}


def allowed(
    user: str, operation: AclOperation, name: str, *, group: bool = False, prefixed: bool = False
) -> AclBinding:
    return AclBinding(
        ResourceType.GROUP if group else ResourceType.TOPIC,
        PREFIX + name,
        ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )


def bindings() -> Sequence[AclBinding]:
    """What docs/reference/topics.md says, as Kafka takes it."""
    found = [
        allowed(JOB, operation, "", prefixed=True)
        for operation in (AclOperation.CREATE, AclOperation.DESCRIBE)
    ]
    for user in SERVICES:
        rights = kafka_rights(user.replace("_", "-"))
        found += [allowed(user, AclOperation.WRITE, name) for name in rights.write]
        found += [allowed(user, AclOperation.READ, name) for name in rights.read]
        found.append(allowed(user, AclOperation.READ, rights.groups, group=True, prefixed=True))
    return found


def login(user: str) -> KafkaSecurity:
    return KafkaSecurity(protocol=LISTENER, username=user, password=PASSWORDS[user])


@pytest.fixture(scope="module")
def kafka() -> Iterator[ApacheKafka]:
    needs("Java 17 or later and Maven", found=java_and_maven_found())
    supervisor = Supervisor(Layout.discover(f"{NAME}-kafka"), Progress(quiet=True))
    kafka = ApacheKafka(supervisor, settings=ENFORCED, listeners=[LISTENER], users=PASSWORDS)
    try:
        kafka.start()
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        for answer in admin.create_acls(list(bindings())).values():
            answer.result()
        created = run_blocking(create_topics(kafka.address(LISTENER), PREFIX, 1, security=login(JOB)))
        assert len(created) == len(TOPICS)
        yield kafka
    finally:
        supervisor.stop()


@pytest.fixture(scope="module")
def stack(kafka: ApacheKafka) -> Iterator[Stack]:
    def command(service: str) -> tuple[str, ...]:
        variables = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address(LISTENER),
            "LINESHAFT_KAFKA_SECURITY_PROTOCOL": LISTENER,
            "LINESHAFT_KAFKA_USERNAME": service,
            "LINESHAFT_KAFKA_PASSWORD": PASSWORDS[service],
        }
        return ("env", *(f"{name}={value}" for name, value in variables.items()), *module_command(service))

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
        with Stack(
            Layout.discover(NAME),
            source="sandbox",
            durable=False,
            progress=Progress(quiet=True),
            command_of=command,
        ) as stack:
            yield stack


def test_the_story_is_told_with_the_documented_rights_alone(
    stack: Stack, vendor: Vendor, receiver: WebhookReceiver
) -> None:
    story = Story(vendor, stack.source, receiver, stack.kafka.bootstrap_servers)
    assert story.run(), "\n".join(f"{step.name}: {step.told}" for step in story.steps)
    logs = {file.name: file.read_text(encoding="utf-8") for file in Layout.discover(NAME).logs.glob("*.log")}
    assert {f"{service}.log" for service in SERVICES} <= set(logs)
    assert [name for name, text in logs.items() if "AuthorizationFailed" in text] == []


async def test_what_is_not_documented_is_refused(kafka: ApacheKafka) -> None:
    producer = Producer(kafka.address(LISTENER), PREFIX, "test", login("notifier"))
    await producer.start()
    try:
        await producer.publish([Message(NOTIFICATION_EVENTS.name, b"con_1", b"{}")])
        with pytest.raises(RetryableError, match="TopicAuthorizationFailed"):
            await producer.publish([Message(CONNECTIONS.name, b"con_1", b"{}")])
    finally:
        await producer.stop()
