"""Reading topics from the outside: to their end or to an error, never without end."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from l233.local_kafka import LocalKafka, temporary
from streaming.client import Connection, Limits
from streaming.posting import Poster, poster
from streaming.reading import reader
from streaming.records import Output

TOPIC = "test.reading"
LARGE = Output(TOPIC, b"k", b"x" * 100_000, (), 0)


async def _topic(connection: Connection) -> None:
    admin = AIOKafkaAdminClient(**connection.client())
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()


async def _filled(writing: Poster, count: int) -> None:
    for _ in range(count // 50):
        await writing.put([LARGE] * 50)


def test_a_kafka_that_goes_away_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """After as long as a request may take: a command says so instead of waiting for ever."""

    async def scenario() -> None:
        with temporary() as kafka:
            connection = Connection(kafka.bootstrap, tmp_path)
            await _topic(connection)
            async with poster(connection) as writing:
                await _filled(writing, 300)
            hurried = replace(connection, limits=Limits(request_timeout=2.0))
            began = time.monotonic()
            with pytest.raises(KafkaTimeoutError):
                await _read_without(kafka, hurried)
            assert time.monotonic() - began < 30

    asyncio.run(scenario())


async def _read_without(kafka: LocalKafka, connection: Connection) -> None:
    """Read, and stop the broker at the first records."""
    async with reader(connection) as reading:
        async for _ in reading.read(await reading.ends(await reading.places([TOPIC]))):
            await asyncio.to_thread(kafka.stop, 2.0)


def test_a_start_that_retention_has_taken_is_read_on_from_what_is_left(
    bootstrap: str, tmp_path: Path
) -> None:
    """A dead letter may be older than the records around the one it came from."""

    async def scenario() -> None:
        connection = Connection(bootstrap, tmp_path)
        await _topic(connection)
        async with poster(connection) as writing:
            await writing.put([LARGE._replace(value=b"%d" % number) for number in range(10)])
        admin = AIOKafkaAdminClient(**connection.client())
        await admin.start()
        await admin.delete_records({TopicPartition(TOPIC, 0): RecordsToDelete(before_offset=6)})
        await admin.close()
        async with reader(connection) as reading:
            batches = reading.read({(TOPIC, 0): 10}, {(TOPIC, 0): 2})
            assert [record.value async for batch in batches for record in batch] == [b"6", b"7", b"8", b"9"]

    asyncio.run(scenario())
