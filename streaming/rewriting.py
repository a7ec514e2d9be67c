"""Takes the beginning of partitions out of Kafka at once, files and all.

Kafka deletes whole segments, and never the one that it writes. So the partition is first made to begin a new
one: `segment.ms` is set to a millisecond, a record is written in a transaction and taken back, and what was
set is put back. Then everything before the new segment is deleted; its files go when Kafka looks next.
"""

from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import for_code

from streaming import admin
from streaming.client import Connection
from streaming.reading import Place, reader

TRANSACTIONAL_ID: Final = "l233.erasure"
_NOW: Final = {"segment.ms": "1", "file.delete.delay.ms": "1000"}


async def begin_segments(connection: Connection, topic: str, numbers: list[int]) -> Mapping[Place, int]:
    """Begin a new segment in partitions of a topic; return the offset that each had reached then.

    Everything before it is in closed segments. Raises KafkaError.
    """
    async with admin.connect(connection.client()) as client:
        found = (await admin.describe(client, [topic]))[topic]
        before = {name: found.configs[name] for name in found.overridden}
        await _configure(client, topic, {**before, **_NOW})
        try:
            for number in numbers:
                await _written_and_taken_back(connection, topic, number)
            async with reader(connection) as source:
                return await source.ends([(topic, number) for number in numbers])
        finally:
            await _configure(client, topic, before)


async def _configure(client: AIOKafkaAdminClient, topic: str, configs: Mapping[str, str]) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(configs))
    for reply in await client.alter_configs([resource]):
        for code, message, *_ in reply.resources:
            if code:
                raise for_code(code)(f"{topic}: {message}")


async def _written_and_taken_back(connection: Connection, topic: str, number: int) -> None:
    producer = AIOKafkaProducer(**connection.client(), transactional_id=TRANSACTIONAL_ID)
    try:
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"", partition=number)
        await producer.abort_transaction()
    finally:
        await producer.stop()


async def drop_before(connection: Connection, ends: Mapping[Place, int]) -> None:
    """Delete all records before these offsets. Raises KafkaError."""
    wanted = {TopicPartition(*place): RecordsToDelete(end) for place, end in ends.items()}
    async with admin.connect(connection.client()) as client:
        await client.delete_records(wanted)
