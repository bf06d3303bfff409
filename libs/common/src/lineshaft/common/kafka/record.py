"""What comes from Kafka and what goes to it, as plain values."""

import msgspec

Headers = tuple[tuple[str, bytes | None], ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One consumed record, its bytes untouched.

    `topic` is without the prefix, `timestamp` in milliseconds.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int = 0


class Message(msgspec.Struct, frozen=True, gc=False):
    """One record to produce. `topic` is without the prefix; a value of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
