"""Which partition a worker lies on: the same for Java, aiokafka and us."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as murmur2_of_aiokafka
from hypothesis import given
from hypothesis import strategies as st

from coordination.partitioning import murmur2, partition_of


# Source: org.apache.kafka.common.utils.UtilsTest.testMurmur2 (Apache Kafka).
@pytest.mark.parametrize(
    ("key", "hash_of_java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_published_vectors_of_java(key: bytes, hash_of_java: int) -> None:
    assert murmur2(key) == hash_of_java & 0xFFFFFFFF


@given(st.binary(max_size=70))
def test_murmur2_agrees_with_aiokafka_on_any_key(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_aiokafka(key) & 0xFFFFFFFF


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_a_key_lies_where_aiokafka_would_produce_it(key: bytes, partitions: int) -> None:
    everything = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everything, everything)
