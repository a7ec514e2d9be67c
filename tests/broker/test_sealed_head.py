"""A sealed log whose first records are gone, as retention takes them: who kept a checkpoint can go on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from coordination.sealed_logs import Placed
from l233.local_kafka import temporary
from l233.sealed import Verified, verify
from schemas.audit import CHECKPOINT, Checkpoint
from schemas.topics import CHECKPOINTS, DECISIONS
from streaming.client import Connection
from streaming.topics import Registry
from tests.broker.system import create_topics
from tests.unit.agents.records import Kept
from tests.unit.coordination.test_sealed_logs import sealed_of
from tests.unit.coordination.test_sealing import KEYS

NUMBER = 2


def test_what_retention_took_is_no_flaw_for_who_kept_a_checkpoint(tmp_path: Path) -> None:
    """Without one, or with one that nothing was sealed behind, the log is told to be cut."""
    log = [Kept(DECISIONS, b"%d" % at, (), b"k", NUMBER, at) for at in range(9)]
    placed = sealed_of(log, [4, 7, 9])

    async def scenario(connection: Connection) -> None:
        await create_topics(connection.bootstrap, Registry.load())
        await lay(connection, log, placed)

        async def found(*pinned: Checkpoint) -> Verified:
            return await verify(connection, [DECISIONS], KEYS, float("inf"), pinned)

        assert (await found()).wrong == ()
        await forget(connection, before=3)
        for useless in ([], [placed[-1].sealed.checkpoint]):
            (wrong,) = (await found(*useless)).wrong
            assert (wrong.flaw, wrong.offset) == ("cut", 3)
        first, _, second, *_ = placed
        checked = await found(first.sealed.checkpoint)
        assert checked.wrong == ()
        assert [(one.first, one.entries, one.sealed) for one in checked.logs if one.entries] == [(4, 9, 9)]
        other = replace(second.sealed.checkpoint, end=99)
        assert {one.flaw for one in (await found(first.sealed.checkpoint, other)).wrong} == {"pinned"}

    with temporary() as kafka:
        asyncio.run(scenario(Connection(kafka.bootstrap, tmp_path)))


async def lay(connection: Connection, log: Sequence[Kept], placed: Sequence[Placed]) -> None:
    """Write a log and its checkpoints."""
    async with AIOKafkaProducer(bootstrap_servers=connection.bootstrap) as producer:
        for record in log:
            await producer.send_and_wait(DECISIONS, record.value, record.key, NUMBER)
        for _, sealed in placed:
            await producer.send_and_wait(CHECKPOINTS, CHECKPOINT.dump_json(sealed), None, NUMBER)


async def forget(connection: Connection, before: int) -> None:
    """Take the first records of the log away."""
    admin = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(DECISIONS, NUMBER): RecordsToDelete(before)})
    finally:
        await admin.close()
