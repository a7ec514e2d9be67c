"""A writer that is fenced between two steps of its transaction tells so in a way that a lane understands."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streaming.errors import TransactionLost
from streaming.records import Output
from streaming.transaction import Writer
from streaming.worker import _untaken
from tests.broker.delivery import Bench

TOLD = (KafkaError, TransactionLost)
"""What a lane takes for the end of a transaction, and opens anew."""
LARGE = b" " * 300_000
"""Two of them are more than a batch takes."""


async def _fenced(bench: Bench, writer: Writer, transactional_id: str) -> None:
    """Begin a transaction of which Kafka has refused a batch, since another producer took the id."""
    await writer.start()
    await writer.begin()
    async with AIOKafkaProducer(bootstrap_servers=bench.bootstrap, transactional_id=transactional_id):
        pass
    with pytest.raises(TOLD):
        await _send_for_ever(writer, bench.topic("out"))


async def _send_for_ever(writer: Writer, topic: str) -> None:
    """Send batch after batch: a refusal arrives when it does, and the step after it is the one that fails."""
    while True:
        writer.add(Output(topic, b"k", LARGE))
        await writer.send_full()


def test_whatever_is_tried_after_a_refused_batch_tells_of_a_lost_transaction(
    bootstrap: str, tmp_path: Path
) -> None:
    """Not an illegal operation or a failed assertion of aiokafka's, which used to end the worker."""
    bench = Bench(bootstrap, tmp_path)
    transactional_id = f"l233.{bench.name}.0"

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(_untaken)
        await bench.create_topics()
        writer = Writer(bench.connection(), transactional_id, 0, {})
        try:
            await asyncio.wait_for(_fenced(bench, writer, transactional_id), 60)
            for step in (
                writer.begin(),
                writer.tell({(bench.topic("in"), 0): 1}, "group"),
                writer.commit(bench.topic("state")),
            ):
                with pytest.raises(TOLD):
                    await step
        finally:
            await writer.stop(5.0)

    asyncio.run(scenario())
