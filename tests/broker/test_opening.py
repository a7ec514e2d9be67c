"""How a lane opens: while it looks for its place, nothing takes its silence for a failure."""

import asyncio
from pathlib import Path

from streaming.faust_role import RoleApp
from streaming.faust_slices import SliceConsumer
from streaming.worker import work
from tests.broker.delivery import PARTITIONS, Bench, per_key, records, unbroken


def test_faust_does_not_take_a_lane_without_a_position_for_a_dead_one(bootstrap: str, tmp_path: Path) -> None:
    """Faust's own detector comes round every 7 s and once ended a worker whose lane was opening again.

    A lane that opens without a position in an input seeks its beginning; the detector is asked meanwhile.
    What is then fetched again has been worked already, and is not worked twice.
    """
    bench = Bench(bootstrap, tmp_path)
    first, second = records(400), records(400)

    async def scenario() -> None:
        await bench.create_topics()
        await bench.feed(first)
        stop, apps = asyncio.Event(), list[RoleApp]()
        worker = asyncio.create_task(work([bench.role()], bench.connection(), stop=stop, started=apps.extend))
        await bench.counted(len(first))
        consumer = apps[0].consumer
        assert isinstance(consumer, SliceConsumer)
        for number in range(PARTITIONS):
            seeking = asyncio.create_task(consumer.seek(number, {}))
            while not seeking.done():
                await asyncio.sleep(0)
                await consumer.verify_all_partitions_active()
            await seeking
        await bench.feed(second)
        assert unbroken(await bench.counted(800), per_key([*first, *second]))
        stop.set()
        await worker

    asyncio.run(scenario())
