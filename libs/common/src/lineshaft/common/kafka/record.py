"""What comes from Kafka and what goes to it, as plain values."""

from dataclasses import dataclass, field

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
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


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce. `topic` is without the prefix; a value of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())
