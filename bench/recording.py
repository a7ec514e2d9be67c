"""Records a stream: the input and what intake makes of it, without running workers for as long as it takes.

The input is written first and read back, as Kafka dates and places it. Intake's own handler decides on it in
memory, a process for a share of the partitions, and its decisions, dead letters, receipts and records put
back go to Kafka in bulk, without transactions. What no replay reads (inboxes, acknowledgements) is left out.
"""

import logging
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from multiprocessing.connection import Connection
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from agents.intake import IntakeAgent
from agents.roles import load_world
from bench.job import Memory, Seen
from bench.kafka import client, fill
from bench.samples import PARTITIONS, Sample
from coordination.partitioning import partition_of
from l233.day import GeneratedRecord, generate
from schemas.topics import INPUT
from streaming.records import Output
from streaming.topics import Registry

DAY: Final = date(2026, 3, 2)
SEED: Final = 5
_KEPT: Final = frozenset({INPUT, "l233.decisions", "l233.dead-letters", "l233.receipts"})
_AT_ONCE: Final = 5_000
_PATIENCE: Final = 60.0

Ends = Mapping[int, int]


def day(events: int) -> Iterator[GeneratedRecord]:
    """Return the records of a realistic day, always the same."""
    return generate(SEED, events, DAY, partitions=PARTITIONS)


def written(bootstrap: str, records: Iterable[GeneratedRecord]) -> int:
    """Write records to the input topic, each where it belongs or was planted; return how many."""
    return fill(bootstrap, INPUT, map(_sample, records))


def _sample(record: GeneratedRecord) -> Sample:
    key = record.key or b""
    home = partition_of(key, PARTITIONS) if record.partition is None else record.partition
    return Sample(home, key, record.value or b"", list(record.headers))


def record(bootstrap: str, processes: int) -> None:
    """Decide on the whole input topic and write what came of it; records put back are decided on too."""
    context = multiprocessing.get_context("spawn")
    running = []
    for at in range(processes):
        ours, theirs = context.Pipe()
        numbers = range(PARTITIONS)[at::processes]
        process = context.Process(target=_work, args=(bootstrap, numbers, theirs), daemon=True)
        process.start()
        running.append((process, ours))
    done: Ends = {}
    while (ends := ends_of(bootstrap, INPUT)) != done:
        for _, pipe in running:
            pipe.send(ends)
        for process, pipe in running:
            while not pipe.poll(1):
                if not process.is_alive():
                    raise RuntimeError("a recording process ended before its work was done")
            pipe.recv()
        done = ends
    for process, pipe in running:
        pipe.send(None)
        process.join()


def ends_of(bootstrap: str, topic: str) -> Ends:
    """Return where each partition of a topic ends."""
    consumer = Consumer({**client(bootstrap), "group.id": "bench-reader"})
    try:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
            for number in range(PARTITIONS)
        }
    finally:
        consumer.close()


def _work(bootstrap: str, numbers: Sequence[int], told: Connection) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = {"linger.ms": 50, "batch.size": 1_000_000, "queue.buffering.max.messages": 200_000}
    producer = Producer({**client(bootstrap), **settings})
    consumer = Consumer(
        {
            **client(bootstrap),
            "group.id": "bench-recorder",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 50,
        }
    )
    consumer.assign([TopicPartition(INPUT, number, 0) for number in numbers])
    handler, state = IntakeAgent(load_world(Registry.load())), Memory()
    reached = dict.fromkeys(numbers, 0)
    while (ends := told.recv()) is not None:
        while any(reached[number] < ends[number] for number in numbers):
            messages = consumer.consume(_AT_ONCE, timeout=0.2)
            for message in messages:
                seen = _seen(message)
                result = handler(seen, state)
                state.update(result.writes)
                for output in result.outputs:
                    if output.topic in _KEPT:
                        _produce(producer, output, seen.partition)
                reached[seen.partition] = seen.offset + 1
        if left := producer.flush(_PATIENCE):
            raise RuntimeError(f"{left} records could not be written")
        told.send("done")
    consumer.close()


def _produce(producer: Producer, output: Output, lane: int) -> None:
    number = lane if output.partition is None else output.partition
    while True:
        try:
            producer.produce(output.topic, output.value, output.key, number, headers=list(output.headers))
        except BufferError:
            producer.poll(0.05)
        else:
            return


def _seen(message: Message) -> Seen:
    if (error := message.error()) is not None:
        raise KafkaException(error)
    return Seen(
        str(message.topic()),
        int(message.partition()),
        int(message.offset()),
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers() or (),
    )
