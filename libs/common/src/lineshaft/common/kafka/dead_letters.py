"""A record that cannot be processed is set aside with the reason; its neighbours go on in order."""

from lineshaft.common import topics
from lineshaft.common.kafka.record import Message, Record

MAX_MESSAGE_LENGTH = 2_000
MAX_VALUE_BYTES = 1_000_000


def dead_letter(record: Record, *, service: str, stage: str, error: BaseException, attempt: int) -> Message:
    """The record as it came, its origin and the reason in `dlq_` headers.

    A header of the record that cannot travel (null) is dropped; one that is not text is kept as bytes.
    """
    reason = str(error)[:MAX_MESSAGE_LENGTH]
    value = record.value
    truncated = value is not None and len(value) > MAX_VALUE_BYTES
    own: dict[str, bytes] = {
        "dlq_topic": record.topic.encode(),
        "dlq_partition": str(record.partition).encode(),
        "dlq_offset": str(record.offset).encode(),
        "dlq_service": service.encode(),
        "dlq_stage": stage.encode(),
        "dlq_error": type(error).__name__.encode(),
        "dlq_message": reason.encode(),
        "dlq_attempt": str(attempt).encode(),
        "dlq_truncated": b"true" if truncated else b"false",
    }
    original = [(name, content) for name, content in record.headers if content is not None]
    return Message(
        topic=topics.DEAD_LETTERS.name,
        key=record.key,
        value=value[:MAX_VALUE_BYTES] if truncated and value is not None else value,
        headers=(*original, *own.items()),
    )
