"""Which partition a key belongs to, by Kafka's default partitioner, for many keys at once.

murmur2 as in https://github.com/apache/kafka/blob/4.0.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
"""

from array import array
from collections import defaultdict
from collections.abc import Sequence

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_32_BITS = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


def partitions_of(keys: Sequence[bytes], partitions: Sequence[int]) -> list[int]:
    """The partition of each key; `partitions` are all of the topic's, in order."""
    count = len(partitions)
    return [partitions[(value & _POSITIVE) % count] for value in murmur2(keys)]


def murmur2(keys: Sequence[bytes]) -> list[int]:
    """The hashes of `keys`. Keys of one length are hashed together, the others costs more."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        by_length[len(key)].append(position)
    hashes = [0] * len(keys)
    for length, positions in by_length.items():
        for position, value in zip(
            positions, _hash_together([keys[position] for position in positions], length), strict=True
        ):
            hashes[position] = value
    return hashes


def _hash_together(keys: list[bytes], length: int) -> list[int]:
    # One 64 bit lane of a large integer per key: each operation on it then works on all keys in C.
    count, words, rest = len(keys), length // 4, length % 4
    stride = words + (rest > 0)
    padding = b"\0" * ((4 - rest) % 4)
    joined = array("I", padding.join([*keys, b""]))

    def lanes(word: int) -> int:
        return int.from_bytes(array("Q", joined[word::stride]).tobytes(), "little")

    one = int.from_bytes(b"\1\0\0\0\0\0\0\0" * count, "little")
    mask, low_8, low_19, low_17 = one * _32_BITS, one * 0xFF, one * (_32_BITS >> 13), one * (_32_BITS >> 15)
    state = one * (_SEED ^ length)
    for word in range(words):
        value = lanes(word) * _FACTOR & mask
        value ^= value >> 24 & low_8
        state = (state * _FACTOR & mask) ^ (value * _FACTOR & mask)
    if rest:
        state = (state ^ lanes(words)) * _FACTOR & mask
    state ^= state >> 13 & low_19
    state = state * _FACTOR & mask
    state ^= state >> 15 & low_17
    return array("Q", state.to_bytes(8 * count, "little")).tolist()
