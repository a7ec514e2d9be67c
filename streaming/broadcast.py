"""Topics that speak to every worker: read in full before its lanes open, then followed as long as it works.

They have no consumer group and belong to no lane: whatever its partitions, each worker reads all of them. A
topic that was read on from its beginning (its place had fallen to compaction) tells again what was told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streaming.client import Connection
from streaming.reading import Place, reader
from streaming.records import Record

_log = structlog.get_logger(__name__)
_WAIT_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A topic, and who takes what it says.

    `take` is called with committed records in order: once with all that is there, even if it is nothing,
    then with what comes. It runs between the records of lanes, never during one. What it raises stops the
    worker.
    """

    topic: str
    take: Callable[[Sequence[Record]], None]


@asynccontextmanager
async def followed(
    broadcasts: Sequence[Broadcast], connection: Connection
) -> AsyncIterator[asyncio.Task[None]]:
    """Read every topic in full; then follow them for the length of the block, in a task that has no end.

    Raises TopicMissingError, KafkaError, and what a broadcast's `take` raises.
    """
    read = await asyncio.gather(*(read_in_full(broadcast, connection) for broadcast in broadcasts))
    ends = {place: end for one in read for place, end in one.items()}
    task = asyncio.create_task(_follow({one.topic: one for one in broadcasts}, ends, connection))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def read_in_full(broadcast: Broadcast, connection: Connection) -> Mapping[Place, int]:
    """Hand over all that a topic says now; return where each of its partitions ended."""
    async with reader(connection) as source:
        ends = await source.ends(await source.places([broadcast.topic]))
        broadcast.take([record async for batch in source.read(ends) for record in batch])
    _log.info("broadcast_read", topic=broadcast.topic)
    return ends


async def _follow(
    broadcasts: Mapping[str, Broadcast], ends: Mapping[Place, int], connection: Connection
) -> None:
    if not ends:
        await asyncio.Event().wait()
    consumer = AIOKafkaConsumer(
        **connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_WAIT_MS,
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*place) for place in ends])
        for place, end in ends.items():
            consumer.seek(TopicPartition(*place), end)
        while True:
            for place, records in (await consumer.getmany(timeout_ms=_WAIT_MS)).items():
                broadcasts[place.topic].take(records)
    finally:
        await consumer.stop()
