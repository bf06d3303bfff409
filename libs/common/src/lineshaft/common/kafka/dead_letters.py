"""A record that cannot be processed is set aside with the reason; its neighbours go on in order."""

from lineshaft.common import topics
from lineshaft.common.kafka.record import Message, Record

MAX_MESSAGE_LENGTH = 2_000
MAX_VALUE_BYTES = 1_000_000
MAX_KEY_BYTES = 100_000
MAX_HEADERS_BYTES = 100_000
"""All headers of the record together: a letter must fit into a message, or it would block its partition."""


def dead_letter(record: Record, *, service: str, stage: str, error: BaseException, attempt: int) -> Message:
    """The record as it came, its origin and the reason in `dlq_` headers.

    A header of the record that cannot travel (null, or one too many bytes) is dropped; one that is not text
    is kept as bytes. `dlq_truncated` says that value, key or headers are not whole.
    """
    reason = str(error)[:MAX_MESSAGE_LENGTH]
    value = record.value if record.value is None else record.value[:MAX_VALUE_BYTES]
    key = record.key if record.key is None else record.key[:MAX_KEY_BYTES]
    original, dropped = _fitting_headers(record)
    truncated = dropped or value != record.value or key != record.key
    own: dict[str, bytes] = {
        "dlq_topic": record.topic.encode(),
        "dlq_partition": str(record.partition).encode(),
        "dlq_offset": str(record.offset).encode(),
        "dlq_service": service.encode(),
        "dlq_stage": stage.encode(),
        "dlq_error": type(error).__name__.encode(),
        "dlq_message": reason.encode(errors="replace"),
        "dlq_attempt": str(attempt).encode(),
        "dlq_truncated": b"true" if truncated else b"false",
    }
    return Message(topic=topics.DEAD_LETTERS.name, key=key, value=value, headers=(*original, *own.items()))


def _fitting_headers(record: Record) -> tuple[list[tuple[str, bytes]], bool]:
    """In their order, as many as fit; whether one was dropped for its size."""
    kept: list[tuple[str, bytes]] = []
    left = MAX_HEADERS_BYTES
    dropped = False
    for name, content in record.headers:
        if content is None:
            continue
        size = len(name.encode(errors="replace")) + len(content)
        if size > left:
            dropped = True
            continue
        left -= size
        kept.append((name, content))
    return kept, dropped
