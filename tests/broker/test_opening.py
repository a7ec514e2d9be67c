"""How a lane opens: while it restores its state, nothing takes its silence for a failure."""

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streaming.faust_role import RoleApp
from streaming.worker import work
from tests.broker.delivery import PARTITIONS, Bench, per_key, records, unbroken

KNOWN_KEYS = 40_000


async def _fill_changelog(bench: Bench) -> None:
    """Give every lane much to restore: keys that no record of the test uses."""
    async with AIOKafkaProducer(bootstrap_servers=bench.bootstrap, linger_ms=20) as producer:
        for number in range(KNOWN_KEYS):
            await producer.send(
                bench.topic("state"), b"1", key=b"other-%d" % number, partition=number % PARTITIONS
            )


def test_faust_does_not_take_a_lane_that_restores_for_a_dead_one(bootstrap: str, tmp_path: Path) -> None:
    """Faust's own detector, which comes round every 7 s, meets lanes that have no position yet.

    Here it is asked all the time: it used to end the worker.
    """
    bench = Bench(bootstrap, tmp_path)
    values = records(400)

    async def scenario() -> None:
        await bench.create_topics()
        await _fill_changelog(bench)
        await bench.feed(values)
        stop, apps = asyncio.Event(), list[RoleApp]()
        worker = asyncio.create_task(work([bench.role()], bench.connection(), stop=stop, started=apps.extend))
        restoring = 0
        worked = asyncio.create_task(bench.counted(len(values)))
        while not worked.done():
            await asyncio.sleep(0.01)
            for app in apps:
                await app.consumer.verify_all_partitions_active()
                restoring += any(not lane.working for lane in map(app.lanes.get, range(PARTITIONS)) if lane)
        assert restoring
        assert unbroken(worked.result(), per_key(values))
        stop.set()
        await worker

    asyncio.run(scenario())
