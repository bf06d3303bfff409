from lineshaft.common.topics import TOPICS, Topic
from lineshaft.tools.generate.events import event_models
from lineshaft.tools.generate.markdown import page, table


def topics_page() -> str:
    by_topic: dict[str, list[str]] = {}
    for event_type, model in event_models().items():
        by_topic.setdefault(model.topic_name, []).append(f"`{event_type}`")
    for topic in TOPICS:
        if topic.name.startswith("entities."):
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
    )


def _kept(topic: Topic) -> str:
    return "the latest per key" if topic.retention_days is None else f"{topic.retention_days:g} days"
