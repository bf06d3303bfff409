from collections.abc import Sequence

from lineshaft.common.topics import TOPICS, Topic
from lineshaft.tools.generate.events import event_models
from lineshaft.tools.generate.kafka_rights import KafkaRights, kafka_rights
from lineshaft.tools.generate.markdown import page, table
from lineshaft.tools.generate.settings import SERVICES

ENTITIES = "entities."


def topics_page() -> str:
    by_topic: dict[str, list[str]] = {}
    for event_type, model in event_models().items():
        by_topic.setdefault(model.topic_name, []).append(f"`{event_type}`")
    for topic in TOPICS:
        if topic.name.startswith(ENTITIES):
            by_topic[topic.name] = ["`lineshaft.entity.upserted`", "`lineshaft.entity.deleted`"]
    return page(
        "Topics",
        "Every name has the prefix `lineshaft.` unless `LINESHAFT_TOPIC_PREFIX` says otherwise.",
        table(
            ["Topic", "Key", "Partitions", "Kept", "Produced by", "Consumed by", "Holds", "Event types"],
            [
                [
                    f"`{topic.name}`",
                    f"`{topic.key}`" if "<" in topic.key else topic.key,
                    str(topic.partitions),
                    _kept(topic),
                    ", ".join(topic.producers),
                    ", ".join(topic.consumers),
                    topic.purpose,
                    ", ".join(by_topic.get(topic.name, [])),
                ]
                for topic in TOPICS
            ],
        ),
        "## What each service may do on Kafka",
        "For a broker with access control lists and a user per service: it writes and reads these topics,"
        " reads with groups that begin with `lineshaft.<service>.`, and does nothing else. The job for topics"
        " creates and describes what begins with the prefix. `tests/e2e/test_kafka_rights.py` tells the main"
        " story so.",
        table(
            ["Service", "Write", "Read", "Groups"],
            [_rights_row(service, kafka_rights(service)) for service in SERVICES],
        ),
    )


def _rights_row(service: str, rights: KafkaRights) -> list[str]:
    return [f"`{service}`", _named(rights.write), _named(rights.read), f"`{rights.groups}*`"]


def _named(topics: Sequence[str]) -> str:
    names = [f"`{name}`" for name in topics if not name.startswith(ENTITIES)]
    return ", ".join(names + [f"`{ENTITIES}*`"] * any(name.startswith(ENTITIES) for name in topics))


def _kept(topic: Topic) -> str:
    return "the latest per key" if topic.retention_days is None else f"{topic.retention_days:g} days"
