"""The Kafka a measurement runs on, its topics, how they are filled, and how output is seen from outside."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.samples import PARTITIONS, Sample
from l233.local_kafka import temporary

LOOK: Final = 2_000
"""Most outputs seen in one look: fine enough for a rate over tens of thousands."""
COMPACTED: Final = {"cleanup.policy": "compact"}
LARGE: Final = {"max.message.bytes": str(4 * 1024 * 1024)}


@contextmanager
def kafka(bootstrap: str | None) -> Iterator[str]:
    """Give the bootstrap address of a Kafka: the given one, or one of our own that is gone afterwards."""
    if bootstrap is not None:
        yield bootstrap
        return
    with temporary() as local:
        yield local.bootstrap


def client(bootstrap: str) -> dict[str, object]:
    """Return what every client of a measurement has in common; it keeps quiet when the broker goes first."""
    return {"bootstrap.servers": bootstrap, "log_level": 2}


def create(bootstrap: str, topics: Mapping[str, Mapping[str, str]]) -> None:
    """Create topics with their configuration and wait until they are there."""
    new = [NewTopic(name, PARTITIONS, 1, config=dict(config)) for name, config in topics.items()]
    admin = AdminClient(client(bootstrap))
    for future in admin.create_topics(new).values():
        future.result()


def delete(bootstrap: str, topics: Iterable[str], groups: Iterable[str] = ()) -> None:
    """Delete topics and consumer groups that we made; one that is not there is no failure."""
    admin = AdminClient(client(bootstrap))
    futures = [*admin.delete_topics(list(topics)).values()]
    if group_ids := list(groups):
        futures += admin.delete_consumer_groups(group_ids).values()
    for future in futures:
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].name() not in {"UNKNOWN_TOPIC_OR_PART", "GROUP_ID_NOT_FOUND", "NON_EMPTY_GROUP"}:
                raise


def fill(bootstrap: str, topic: str, records: Iterable[Sample]) -> int:
    """Write records to a topic; return how many."""
    producer = Producer(
        {
            **client(bootstrap),
            "linger.ms": 20,
            "batch.size": 512 * 1024,
            "queue.buffering.max.messages": 100_000,
        }
    )
    count = 0
    for record in records:
        count += 1
        while True:
            try:
                producer.produce(topic, record.value, record.key, record.partition, headers=record.headers)
            except BufferError:
                producer.poll(0.05)
            else:
                break
    if left := producer.flush(60):
        raise RuntimeError(f"{left} of {count} records could not be written to {topic}")
    return count


@contextmanager
def reader(bootstrap: str, topic: str) -> Iterator[Consumer]:
    """Give a `read_committed` reader of a whole topic, without a group."""
    consumer = Consumer(
        {
            **client(bootstrap),
            "group.id": "bench-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        yield consumer
    finally:
        consumer.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader saw: `count` outputs after those of its first look, in `seconds`."""

    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Outputs a second."""
        return self.count / self.seconds


def watch(consumer: Consumer, goal: int, timeout: float, check: Callable[[], None]) -> Iterator[int]:
    """Yield the total seen after each look that brought outputs, until `goal` of them are seen.

    `check` is called while nothing comes, to raise when nothing can. Raises TimeoutError.
    """
    deadline = time.monotonic() + timeout
    total = 0
    while total < goal:
        records = consumer.consume(LOOK, timeout=0.1)
        for record in records:
            if record.error() is not None:
                raise KafkaException(record.error())
        if records:
            total += len(records)
            yield total
        else:
            check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {total} of {goal} outputs were seen within {timeout:.0f} s")
