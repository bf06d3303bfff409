from aiokafka import AIOKafkaConsumer, TopicPartition

from lineshaft.common.topics import Topic


async def all_partitions(consumer: AIOKafkaConsumer, topic: Topic, name: str) -> list[TopicPartition]:
    """Of a topic that may have been made with more partitions than it is listed with."""
    metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001  the one way without joining a group
    found = metadata.partitions_for_topic(name) or ()
    return [TopicPartition(name, number) for number in range(max(topic.partitions, len(found)))]
