"""A record that no message can hold goes to the dead letters, cut; its neighbours go on."""

from lineshaft.common import topics
from lineshaft.common.errors import DeadLetterError
from lineshaft.common.kafka.dead_letters import dead_letter
from lineshaft.common.kafka.record import Message, Record
from lineshaft.connector.domain.slices import MOST_RECORD_BYTES, Origin


def set_aside(origin: Origin, record: bytes, service: str) -> Message:
    reason = f"a record of {origin.key} has {len(record)} bytes, more than {MOST_RECORD_BYTES}"
    unsent = Record(
        topic=topics.RECORDS_RAW.name, partition=-1, offset=-1, key=origin.key.encode(), value=bytes(record)
    )
    return dead_letter(unsent, service=service, stage="read", error=DeadLetterError(reason), attempt=1)
