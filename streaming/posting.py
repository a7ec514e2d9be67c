"""Putting records on topics from the outside, and learning where each of them lies."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from streaming.client import Connection
from streaming.records import Output

Lies = tuple[int, int]
"""Partition and offset of a record."""

_BATCH_BYTES = 256 * 1024
_REQUEST_BYTES = 64 * 1024 * 1024
"""As much as any topic takes: a topic's own limit decides, and callers look at it first."""
_AROUND = 70 + 12
"""Bytes that a batch and a record put around key, value and headers. Source: Kafka, record batch v2."""


class _Told(Protocol):
    """What is used of aiokafka's answer to a record."""

    partition: int
    offset: int


class OvertakenError(Exception):
    """Another writer with the same name has begun since: nothing of the last `put` was written."""


def record_size(output: Output) -> int:
    """Return the bytes that a topic's limit counts, for a record in a batch of its own, or a few more."""
    _, key, value, headers, _ = output
    size = len(key or b"") + len(value or b"") + _AROUND
    for name, content in headers:  # for every output, so no generator and no copy where it can be helped
        size += (len(name) if name.isascii() else len(name.encode())) + len(content or b"") + 10
    return size


class Poster:
    """Writes records in order, each once."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def put(self, outputs: Iterable[Output]) -> Sequence[Lies]:
        """Write records and return where each lies, once Kafka has them all.

        Without a partition, murmur2 of the key decides. Raises KafkaError: some may have been written then.
        """
        sent: list[asyncio.Future[_Told]] = []
        for output in outputs:
            headers = list(output.headers)
            sent.append(
                await self._producer.send(
                    output.topic,
                    output.value,
                    key=output.key,
                    partition=output.partition,
                    headers=headers,
                )
            )
        return [(told.partition, told.offset) for told in await asyncio.gather(*sent)]


class ExclusivePoster:
    """Writes records in transactions under a name of which there is one writer at a time: the latest."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._poster = Poster(producer)

    async def put(self, outputs: Iterable[Output]) -> Sequence[Lies]:
        """Write records, all or none, and return where each lies. Raises KafkaError, OvertakenError."""
        try:
            async with self._producer.transaction():
                return await self._poster.put(outputs)
        except ProducerFenced as error:
            raise OvertakenError("another writer of this name has begun meanwhile") from error


@asynccontextmanager
async def poster(connection: Connection) -> AsyncIterator[Poster]:
    """Open a writer for the length of the block."""
    async with _producer(connection, enable_idempotence=True, linger_ms=5) as producer:
        yield Poster(producer)


@asynccontextmanager
async def exclusive_poster(connection: Connection, name: str) -> AsyncIterator[ExclusivePoster]:
    """Open the one writer of this name for the length of the block.

    Opening it ends earlier ones, so whatever is read after that shows all that they will ever have written.
    """
    bound = int(connection.limits.transaction_timeout * 1000)
    async with _producer(connection, transactional_id=name, transaction_timeout_ms=bound) as producer:
        yield ExclusivePoster(producer)


@asynccontextmanager
async def _producer(connection: Connection, **options: object) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        **connection.client(), max_batch_size=_BATCH_BYTES, max_request_size=_REQUEST_BYTES, **options
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
