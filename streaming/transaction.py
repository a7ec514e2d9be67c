"""One transaction per slice: outputs, changelog and input offsets become visible together.

The transactional id `l233.<role>.<number>` belongs to the lane's number, so opening a writer fences
whoever wrote for that number before, and settles what it left open.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation
from aiokafka.producer.message_accumulator import BatchBuilder

from streaming.client import Connection
from streaming.errors import RecordTooLarge, TransactionLost
from streaming.posting import record_size
from streaming.records import Output

_BATCH_BYTES = 512 * 1024


class _Written(Protocol):
    """What Kafka says of a batch it has: aiokafka's `RecordMetadata`."""

    offset: int


@contextmanager
def _lost_if_failed() -> Iterator[None]:
    """Tell by one name that the transaction has failed already.

    aiokafka tells a failure once, to whoever awaits it. Whoever asks for the next step of the transaction
    gets what its state machine trips over: an operation that is not allowed now, or an assertion.
    """
    try:
        yield
    except (IllegalOperation, AssertionError) as error:
        raise TransactionLost(f"the transaction had failed before it was committed: {error}") from error


def _retrieve(future: "asyncio.Future[_Written]") -> None:
    """Take the exception of a batch, if it has one: a failure is told once, not by each batch."""
    if not future.cancelled():
        future.exception()


class Writer:
    """The transactional producer of one lane.

    Records are appended to batches of our own and handed over whole: aiokafka's `send` costs a future
    and a dozen calls per record, a batch costs them once.
    """

    def __init__(
        self, connection: Connection, transactional_id: str, number: int, takes: Mapping[str, int]
    ) -> None:
        self._limits = connection.limits
        self._takes = takes
        self._number = number
        self._producer = AIOKafkaProducer(
            **connection.client(),
            transactional_id=transactional_id,
            transaction_timeout_ms=int(connection.limits.transaction_timeout * 1000),
            request_timeout_ms=int(connection.limits.request_timeout * 1000),
            max_batch_size=_BATCH_BYTES,
            max_request_size=64 * 1024 * 1024,
            linger_ms=0,
            # The default of 100 ms would be most of what an event takes; what is tried again here is a
            # broker that is not ready for a moment.
            retry_backoff_ms=20,
        )
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._full: list[tuple[str, int, BatchBuilder]] = []
        self._sent: list[tuple[str, int, int, asyncio.Future[_Written]]] = []

    async def start(self) -> None:
        """Fence earlier writers of this number and settle the transaction they left open."""
        await self._producer.start()

    async def begin(self) -> None:
        """Open a transaction."""
        self._open.clear()
        self._full.clear()
        self._sent.clear()
        with _lost_if_failed():
            await self._producer.begin_transaction()

    def check(self, output: Output) -> None:
        """Raise `RecordTooLarge` for an output that its topic would refuse."""
        size = record_size(output)
        takes = self._takes.get(output.topic, self._limits.output_bytes)
        if size > takes:
            raise RecordTooLarge(
                f"a record of {size} bytes for {output.topic} is larger than the {takes} that it takes"
            )

    def add(self, output: Output) -> None:
        """Append an output to the transaction."""
        partition = self._number if output.partition is None else output.partition
        place = (output.topic, partition)
        batch = self._open.get(place)
        if batch is None:
            batch = self._open[place] = self._producer.create_batch()
        if not self._append(batch, output):
            self._full.append((*place, batch))
            batch = self._open[place] = self._producer.create_batch()
            self._append(batch, output)

    @staticmethod
    def _append(batch: BatchBuilder, output: Output) -> bool:
        return (
            batch.append(timestamp=None, key=output.key, value=output.value, headers=list(output.headers))
            is not None
        )

    async def send_full(self) -> None:
        """Hand over the batches that are full; waits where an earlier one of the same place is under way."""
        while self._full:
            await self._send(*self._full.pop(0))

    async def _send(self, topic: str, partition: int, batch: BatchBuilder) -> None:
        batch.close()
        with _lost_if_failed():
            future = await self._producer.send_batch(batch, topic, partition=partition)
        future.add_done_callback(_retrieve)
        self._sent.append((topic, partition, batch.record_count(), future))

    async def tell(self, positions: Mapping[tuple[str, int], int], group: str) -> None:
        """Send input positions to the group, in this transaction, for tools that show lag.

        After what was added is acknowledged, never beside it: while Kafka takes a group into a transaction
        it refuses records of it, and aiokafka tries again only after a back-off.
        """
        await self._acknowledged()
        offsets = {TopicPartition(*place): position for place, position in positions.items()}
        with _lost_if_failed():
            await self._producer.send_offsets_to_transaction(offsets, group)

    async def commit(self, changelog: str) -> int:
        """Commit everything since `begin`.

        Returns the offset after the last changelog record, 0 when Kafka did not tell it: a restore then reads
        from the beginning. Raises aiokafka's errors and `TransactionLost`;
        after any of them the outcome is unknown and this writer must not be used again.
        """
        written = await self._acknowledged()
        with _lost_if_failed():
            await self._producer.commit_transaction()
        last = 0
        for (topic, partition, count, _), metadata in zip(self._sent, written, strict=True):
            if topic == changelog and partition == self._number and metadata.offset >= 0:
                last = max(last, metadata.offset + count)  # metadata tells where the batch begins
        return last

    async def _acknowledged(self) -> list[_Written]:
        """Hand over what is left and wait until Kafka has all of it; return the metadata of each batch."""
        await self.send_full()
        while self._open:
            place, batch = self._open.popitem()
            await self._send(*place, batch)
        return await asyncio.gather(*(future for *_, future in self._sent))

    async def stop(self, bound: float) -> None:
        """Close the connections; what is not committed stays uncommitted."""
        try:
            await asyncio.wait_for(self._producer.stop(), bound)
        except TimeoutError:
            await self._producer.client.close()
