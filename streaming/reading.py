"""Reading topics from the outside: committed records only, up to where they end when the reading starts."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError

from schemas.topics import INPUT
from streaming.client import Connection
from streaming.records import Record
from streaming.veil import readable


class TopicMissingError(Exception):
    """A topic does not exist on this Kafka."""


Place = tuple[str, int]
"""Topic and partition number."""


class Reader:
    """Reads topics without a group: it commits nothing and nobody notices it."""

    def __init__(
        self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, connection: Connection
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._patience = connection.limits.request_timeout
        self._veil = connection.veil
        self._archive = connection.archive

    async def places(self, topics: Iterable[str]) -> list[Place]:
        """Return every partition of `topics`; raises `TopicMissingError` for the first that is missing."""
        wanted = list(topics)
        found: list[Place] = []
        for topic in await self._admin.describe_topics(wanted):
            if topic["error_code"]:
                name = topic["topic"]
                raise TopicMissingError(f"topic {name} does not exist: run `l233 topics apply` first")
            numbers = sorted(partition["partition"] for partition in topic["partitions"])
            found += [(topic["topic"], number) for number in numbers]
        return found

    async def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Return the offset after the last committed record of each place."""
        by_topic: dict[str, list[TopicPartition]] = {}
        for place in places:
            by_topic.setdefault(place[0], []).append(TopicPartition(*place))
        try:
            # Side by side: aiokafka looks for a topic that it does not know yet for 0.1 s.
            answers = await asyncio.gather(*map(self._consumer.end_offsets, by_topic.values()))
        except UnknownTopicOrPartitionError as error:
            raise TopicMissingError("a topic was deleted while it was read") from error
        return {(at.topic, at.partition): offset for ends in answers for at, offset in ends.items()}

    async def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """Return the offset at which each place begins now: 0 until retention takes its first records."""
        found = await self._consumer.beginning_offsets([TopicPartition(*place) for place in places])
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def at(self, places: Iterable[Place], timestamp: int) -> dict[Place, int]:
        """Return the first offset of each place that is of `timestamp` (ms) or later, where there is one."""
        asked = {TopicPartition(*place): timestamp for place in places}
        found = await self._consumer.offsets_for_times(asked)
        there = {(at.topic, at.partition): one.offset for at, one in found.items() if one is not None}
        return {**there, **self._archived_at(asked, timestamp)}

    def _archived_at(self, asked: Iterable[TopicPartition], timestamp: int) -> dict[Place, int]:
        if self._archive is None:
            return {}
        found = {
            (at.topic, at.partition): self._archive.at(at.topic, at.partition, timestamp)
            for at in asked
            if at.topic == INPUT
        }
        return {place: offset for place, offset in found.items() if offset is not None}

    async def worked(self, group: str) -> dict[Place, int]:
        """Return the next offset that a role's lanes have committed per place; empty before the first."""
        offsets = await self._admin.list_consumer_group_offsets(group)
        return {(place.topic, place.partition): known.offset for place, known in offsets.items()}

    async def read(
        self, ends: Mapping[Place, int], starts: Mapping[Place, int] | None = None, at_once: int = 5_000
    ) -> AsyncIterator[Sequence[Record]]:
        """Yield what `read_as_written` does, with what is veiled opened, and what was erased left out.

        Raises NoKeyring, VeilBroken, and what that raises.
        """
        async for records in self.read_as_written(ends, starts, at_once):
            yield [readable(self._veil, record) for record in records]

    async def read_as_written(
        self, ends: Mapping[Place, int], starts: Mapping[Place, int] | None = None, at_once: int = 5_000
    ) -> AsyncIterator[Sequence[Record]]:
        """Yield the committed records before `ends`, in order per partition, in batches of one partition.

        They are as they lie there, byte for byte. A batch has `at_once` records at most.

        Starts at `starts` where given, else at the beginning. Raises KafkaTimeoutError, among others, when
        nothing has come for as long as a request may take.
        """
        for taken_out in self._archived(ends, starts or {}):
            yield taken_out
        left = {TopicPartition(*place): end for place, end in ends.items() if end > 0}
        if not left:
            return
        self._consumer.assign(list(left))
        for place in left:
            start = self._live((place.topic, place.partition), starts or {})
            if start is None:
                await self._consumer.seek_to_beginning(place)
            else:
                self._consumer.seek(place, start)
        reached: Mapping[TopicPartition, int] = {}
        moved = time.monotonic()
        while left:
            batches = await self._consumer.getmany(*left, timeout_ms=300, max_records=at_once)
            for place, records in batches.items():
                wanted = [record for record in records if record.offset < left[place]]
                if wanted:
                    yield wanted
            before, reached = reached, await self._positions(left)
            if reached != before:
                moved = time.monotonic()
            elif time.monotonic() - moved > self._patience:
                raise KafkaTimeoutError("Kafka stopped answering while topics were read")
            left = {place: end for place, end in left.items() if reached[place] < end}

    def _archived(self, ends: Mapping[Place, int], starts: Mapping[Place, int]) -> Iterator[Sequence[Record]]:
        """Yield what was taken out of Kafka, of the input: it comes before all that is there."""
        for place, end in ends.items():
            start = starts.get(place, 0)
            if self._archive is None or place[0] != INPUT or start >= self._archive.end(*place):
                continue
            for records in self._archive.read(*place, start):
                if wanted := [record for record in records if record.offset < end]:
                    yield wanted

    def _live(self, place: Place, starts: Mapping[Place, int]) -> int | None:
        """Return from where on a place is read in Kafka: what is archived may still be there for a moment."""
        archived = 0 if self._archive is None or place[0] != INPUT else self._archive.end(*place)
        return max(starts.get(place, 0), archived) if archived else starts.get(place)

    async def _positions(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        try:
            async with asyncio.timeout(self._patience):
                return {place: await self._consumer.position(place) for place in places}
        except TimeoutError as error:
            raise KafkaTimeoutError("Kafka stopped answering while topics were read") from error


@asynccontextmanager
async def reader(connection: Connection, fetch_bytes: int = 4 * 1024 * 1024) -> AsyncIterator[Reader]:
    """Open a reader for the length of the block; it fetches so many bytes of a partition at a time."""
    consumer = AIOKafkaConsumer(
        **connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # where a start has fallen to retention: read on from what is left
        max_partition_fetch_bytes=fetch_bytes,
        fetch_max_wait_ms=100,
    )
    admin = AIOKafkaAdminClient(**connection.client())
    try:
        await consumer.start()
        await admin.start()
        yield Reader(consumer, admin, connection)
    finally:
        await _stop(consumer)
        await admin.close()


async def _stop(consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        # Without its broker, aiokafka cancels its own fetches and lets that out, in place of the error.
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
