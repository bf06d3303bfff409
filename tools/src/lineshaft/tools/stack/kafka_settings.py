from collections.abc import Mapping
from pathlib import Path

from lineshaft.tools.stack.ports import LOOPBACK

_SINGLE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # A killed node may come back only when the controller has given up its former life.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


def server_properties(
    data: Path, ports: Mapping[str, int], controller_port: int, settings: Mapping[str, str]
) -> str:
    """A server.properties for one KRaft node that is broker and controller; `ports` by protocol."""
    for_clients = ",".join(f"{protocol}://{LOOPBACK}:{port}" for protocol, port in ports.items())
    protocols = ",".join(f"{protocol}:{protocol}" for protocol in ports)
    properties = {
        **_SINGLE_NODE,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "listeners": f"{for_clients},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": for_clients,
        "log.dirs": str(data),
        **settings,
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())
