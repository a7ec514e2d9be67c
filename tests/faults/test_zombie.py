"""A worker that is stopped in the middle of a transaction and wakes up when others have its lanes."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from aiokafka import AIOKafkaConsumer, TopicPartition

from l233.local_kafka import temporary
from streaming.topics import Registry
from tests.faults.running import Running, running

SECONDS = 60.0


async def ends(
    bootstrap: str, places: Sequence[TopicPartition], isolation: str
) -> Mapping[TopicPartition, int]:
    """Return where places end for a reader of this isolation."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation)
    await consumer.start()
    try:
        found: Mapping[TopicPartition, int] = await consumer.end_offsets(places)
        return found
    finally:
        await consumer.stop()


async def begun(bootstrap: str, registry: Registry) -> dict[TopicPartition, int]:
    """Return where records of an open transaction stand: place, and where what is committed ends before them.

    Only where nothing moves for a second: those that wrote them have stopped.
    """
    places = [
        TopicPartition(name, number)
        for name, topic in registry.topics.items()
        for number in range(topic.partitions)
    ]
    committed = await ends(bootstrap, places, "read_committed")
    await asyncio.sleep(1.0)
    written = await ends(bootstrap, places, "read_uncommitted")
    still = await ends(bootstrap, places, "read_committed")
    return {place: at for place, at in committed.items() if at == still[place] < written[place]}


def stop_in_a_transaction(run: Running, name: str) -> dict[TopicPartition, int]:
    """Stop a worker at a moment when it has written records that it has not committed; return where."""
    random = Random(5)
    for _ in range(40):
        run.crew.pause(name)
        if found := asyncio.run(begun(run.crew.bootstrap, run.registry)):
            return found
        run.crew.wake(name)
        time.sleep(random.uniform(0.05, 0.3))
    raise AssertionError(f"{name} was never caught in a transaction")


def lanes(log: str) -> dict[str, list[int]]:
    """Return the lanes that a worker was last given, by role."""
    told = [json.loads(line) for line in log.splitlines() if '"lanes_assigned"' in line]
    return {one["role"]: one["lanes"] for one in told}


def until(holds: Callable[[], bool], what: str) -> None:
    """Return once something holds."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, f"not within {SECONDS:.0f} s: {what}"
        time.sleep(0.1)


def test_a_worker_that_wakes_up_after_its_lanes_moved_is_fenced(tmp_path: Path) -> None:
    """What it had begun is aborted by whoever takes its lanes; what it then tries to commit is refused."""
    with temporary() as kafka, running(kafka.bootstrap, tmp_path, events=6_000, seconds=4, seed=3) as run:
        everything = {role: list(range(run.registry.partitions)) for role in run.registry.roles}
        run.await_fed(1_000)
        left = stop_in_a_transaction(run, "a")
        until(lambda: lanes(run.crew.log("b")) == everything, "the other worker has every lane")

        def settled() -> bool:
            now = asyncio.run(ends(kafka.bootstrap, list(left), "read_committed"))
            return all(now[place] > at for place, at in left.items())

        until(settled, "what the stopped worker had begun is aborted")
        run.crew.wake("a")
        until(lambda: "lane_failed" in run.crew.log("a"), "the worker that woke up is refused")
        found = run.findings()
    assert found.clean, found
