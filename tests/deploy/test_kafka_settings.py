"""The Kafka settings of docker-compose.yml on a real broker of the same release."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from lineshaft.tools.stack.child import Child
from lineshaft.tools.stack.kafka_jars import java_and_maven_found, kafka_jars
from lineshaft.tools.stack.layout import Layout
from lineshaft.tools.stack.ports import LOOPBACK, accepts_connections, free_port
from lineshaft.tools.stack.progress import Progress
from lineshaft.tools.stack.spawner import Command
from lineshaft.tools.testing.needs import needs

NOT_SETTINGS = {"KAFKA_HEAP_OPTS"}
START_SECONDS = 60.0


def properties(environment: Mapping[str, str]) -> dict[str, str]:
    """As the image's start script makes them: `KAFKA_NODE_ID` is `node.id`."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in NOT_SETTINGS
    }


def test_the_image_is_the_release_of_the_local_stack(compose: Any, checkout: Path) -> None:
    pom = ET.parse(checkout / "tools" / "kafka" / "pom.xml")  # noqa: S314  our own file
    versions = {
        element.text
        for element in pom.iter()
        if element.tag.endswith("version") and (element.text or "").startswith("4.")
    }
    assert {compose.services()["kafka"]["image"]} == {f"apache/kafka:{version}" for version in versions}


@pytest.fixture(scope="module")
def given(compose: Any) -> dict[str, str]:
    """With the container's addresses replaced by ones of this machine."""
    ports = {number: str(free_port()) for number in ("9092", "9093", "29092")}
    services = compose.services({"KAFKA_PORT": ports["29092"]})
    given = properties(services["kafka"]["environment"])
    for name in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        for number, port in ports.items():
            given[name] = given[name].replace(f":{number}", f":{port}")
        given[name] = given[name].replace("//:", f"//{LOOPBACK}:").replace("kafka:", f"{LOOPBACK}:")
    return given


@pytest.fixture(scope="module")
def broker(
    given: dict[str, str], compose: Any, run: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    needs("Java 17 or later and Maven", found=java_and_maven_found())
    layout = Layout.discover()
    folder = tmp_path_factory.mktemp("kafka")
    given["log.dirs"] = str(folder / "data")
    file = folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in given.items()), encoding="utf-8")
    logging = layout.checkout / "tools" / "kafka" / "log4j2.xml"
    java = [
        *("java", "-Xmx384m", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={logging}"),
        *("-cp", f"{kafka_jars(layout, Progress(quiet=True))}/*"),
    ]
    cluster_id = compose.services()["kafka"]["environment"]["CLUSTER_ID"]
    run(*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", file)
    child = Child(Command("kafka", (*java, "kafka.Kafka", str(file))), folder / "kafka.log")
    address = given["advertised.listeners"].rpartition("//")[2]
    try:
        port = int(address.rpartition(":")[2])
        child.wait_until_ready(lambda: accepts_connections(port), START_SECONDS)
        yield address
    finally:
        child.stop()


@pytest.mark.integration
async def test_the_broker_starts_and_knows_every_setting(broker: str, given: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        [answer] = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.BROKER, given["node.id"], dict.fromkeys(given))]
        )
    finally:
        await admin.close()
    [resource] = answer.resources
    known = {entry[0]: entry[1] for entry in resource[4]}
    assert known == given
