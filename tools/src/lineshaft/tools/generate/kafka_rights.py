from dataclasses import dataclass

from lineshaft.common.topics import TOPICS


@dataclass(frozen=True, slots=True)
class KafkaRights:
    """What the user of one service may do, and nothing else; names are without the prefix."""

    write: tuple[str, ...]
    read: tuple[str, ...]
    groups: str
    """How the groups that it reads with begin."""


def kafka_rights(service: str) -> KafkaRights:
    return KafkaRights(
        tuple(topic.name for topic in TOPICS if service in topic.producers),
        tuple(topic.name for topic in TOPICS if service in topic.consumers),
        f"{service}.",
    )
