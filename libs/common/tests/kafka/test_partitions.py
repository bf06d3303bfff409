from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given
from hypothesis import strategies as st

from lineshaft.common.kafka import partitions


@given(st.lists(st.binary(max_size=90)))
def test_the_hash_is_that_of_the_client(keys: list[bytes]) -> None:
    assert partitions.murmur2(keys) == [murmur2(key) for key in keys]


@given(st.lists(st.binary(min_size=1)), st.integers(1, 50))
def test_the_partition_is_that_of_the_client(keys: list[bytes], count: int) -> None:
    known = list(range(count))
    choose = DefaultPartitioner()
    assert partitions.partitions_of(keys, known) == [choose(key, known, known) for key in keys]
