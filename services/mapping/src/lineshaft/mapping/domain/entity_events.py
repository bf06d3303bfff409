"""Entity events: the entity itself as the value, CloudEvents attributes as headers."""

from xxhash import xxh3_128_hexdigest

from lineshaft.common.events.envelope import CONTENT_TYPE, SPECVERSION
from lineshaft.common.kafka.record import Message
from lineshaft.common.topics import entity_topic_name

UPSERTED = "lineshaft.entity.upserted"
DELETED = "lineshaft.entity.deleted"
SOURCE = "mapping"

# The names and values of `envelope.headers`, those that never change encoded once.
_FIXED = (
    ("ce_specversion", SPECVERSION),
    ("ce_source", f"/lineshaft/{SOURCE}".encode()),
    ("content-type", CONTENT_TYPE),
)


def entity_event_id(entity_id: str, revision: int, mapping_version: int, content_hash: str) -> str:
    """The same for the same content, so that work done twice after a crash is told once."""
    return f"evt_{xxh3_128_hexdigest(f'{entity_id}/{revision}/{mapping_version}/{content_hash}'.encode())}"


class EntityEvents:
    """Makes the messages of one entity and connection; what they share is encoded once."""

    def __init__(
        self, connection_id: str, entity: str, mapping_version: int, time: bytes, traceparent: bytes
    ) -> None:
        self._topic = entity_topic_name(entity)
        self._key_start = f"{connection_id}/"
        self._mapping_version = mapping_version
        shared = [*_FIXED, ("ce_time", time), ("traceparent", traceparent)]
        self._upserted = [("ce_type", UPSERTED.encode()), *shared]
        self._deleted = [("ce_type", DELETED.encode()), *shared]

    def upserted(self, entity_id: str, revision: int, content_hash: str, document: bytes) -> Message:
        return self._message(self._upserted, entity_id, revision, content_hash, document)

    def deleted(
        self, entity_id: str, revision: int, content_hash: str, document: bytes
    ) -> tuple[Message, Message]:
        """What there was last, for those who follow; then a tombstone, so that the topic forgets the key."""
        told = self._message(self._deleted, entity_id, revision, content_hash, document)
        return told, Message(told.topic, told.key, None, ())

    def _message(
        self,
        shared: list[tuple[str, bytes]],
        entity_id: str,
        revision: int,
        content_hash: str,
        document: bytes,
    ) -> Message:
        key = (self._key_start + entity_id).encode()
        event_id = entity_event_id(entity_id, revision, self._mapping_version, content_hash)
        return Message(
            self._topic,
            key,
            document,
            (*shared, ("ce_id", event_id.encode()), ("ce_subject", key), ("ce_partitionkey", key)),
        )
