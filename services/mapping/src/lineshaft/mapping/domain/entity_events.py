"""Entity events: the entity itself as the value, CloudEvents attributes as headers."""

from xxhash import xxh3_128_hexdigest

from lineshaft.common.events.envelope import CONTENT_TYPE, SPECVERSION
from lineshaft.common.kafka.record import Message
from lineshaft.common.topics import entity_topic_name

UPSERTED = "lineshaft.entity.upserted"
SOURCE = "mapping"

# The names and values of `envelope.headers`, those that never change encoded once.
_FIXED = (
    ("ce_specversion", SPECVERSION),
    ("ce_type", UPSERTED.encode()),
    ("ce_source", f"/lineshaft/{SOURCE}".encode()),
    ("content-type", CONTENT_TYPE),
)


def entity_event_id(entity_id: str, revision: int, mapping_version: int, content_hash: str) -> str:
    """The same for the same content, so that work done twice after a crash is told once."""
    return f"evt_{xxh3_128_hexdigest(f'{entity_id}/{revision}/{mapping_version}/{content_hash}'.encode())}"


class EntityEvents:
    """Makes the messages of one entity and connection; what they share is encoded once."""

    def __init__(
        self, connection_id: str, entity: str, mapping_version: int, time: bytes, traceparent: bytes | None
    ) -> None:
        self._topic = entity_topic_name(entity)
        self._key_start = f"{connection_id}/"
        self._mapping_version = mapping_version
        self._shared = [*_FIXED, ("ce_time", time)]
        if traceparent:
            self._shared.append(("traceparent", traceparent))

    def upserted(self, entity_id: str, revision: int, content_hash: str, document: bytes) -> Message:
        key = (self._key_start + entity_id).encode()
        event_id = entity_event_id(entity_id, revision, self._mapping_version, content_hash)
        return Message(
            self._topic,
            key,
            document,
            (*self._shared, ("ce_id", event_id.encode()), ("ce_subject", key), ("ce_partitionkey", key)),
        )
