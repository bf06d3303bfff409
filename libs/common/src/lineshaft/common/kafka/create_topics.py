"""`python -m lineshaft.common.kafka.create_topics`: make every topic.

Run it as often as you like.
"""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from lineshaft.common.kafka.security import KafkaSecurity
from lineshaft.common.settings import Settings
from lineshaft.common.topics import TOPICS, Topic

TOPIC_ALREADY_EXISTS = 36
DAY_MS = 86_400_000


def configuration(topic: Topic) -> dict[str, str]:
    """Kafka's settings of a topic."""
    if topic.compacted:
        return {"cleanup.policy": "compact", "max.message.bytes": "2097152"}
    days = topic.retention_days or 1
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(days * DAY_MS)),
        "max.message.bytes": "2097152",
    }


async def create_topics(
    bootstrap_servers: str,
    prefix: str,
    replication: int,
    topics: Sequence[Topic] = TOPICS,
    *,
    partition_factor: int = 1,
    security: KafkaSecurity = KafkaSecurity(),  # noqa: B008  frozen
) -> list[str]:
    """Names of the topics that were new; one that exists keeps its partitions.

    Raises:
        KafkaError: the broker refused one for another reason than that it exists.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, **security.for_client())
    await admin.start()
    try:
        response = await admin.create_topics(
            [
                NewTopic(
                    name=prefix + topic.name,
                    num_partitions=topic.partitions * partition_factor,
                    replication_factor=replication,
                    topic_configs=configuration(topic),
                )
                for topic in topics
            ],
        )
    finally:
        await admin.close()
    created = []
    for name, code, *message in response.topic_errors:
        if code == 0:
            created.append(name)
        elif code != TOPIC_ALREADY_EXISTS:
            raise for_code(code)(f"topic {name}: {message}")
    return created


def main() -> None:
    settings = Settings()
    created = asyncio.run(
        create_topics(
            settings.kafka_bootstrap_servers,
            settings.topic_prefix,
            settings.topic_replication,
            partition_factor=settings.partition_factor,
            security=settings.kafka_security,
        )
    )
    print(f"{len(created)} topics created, {len(TOPICS) - len(created)} were there")  # noqa: T201


if __name__ == "__main__":
    main()
