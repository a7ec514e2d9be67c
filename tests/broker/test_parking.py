"""A worker's records that can't be worked just now, on a real Kafka: they wait in order, the others flow."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from streaming.parking import Retry
from streaming.records import Handler, Record, Result, State
from tests.broker.delivery import Bench, count_per_key, per_key, records, unbroken

FAILING = {b"k3", b"k7"}


@pytest.fixture
def bench(bootstrap: str, tmp_path: Path) -> Bench:
    """Topics of this test's own."""
    found = Bench(bootstrap, tmp_path)
    asyncio.run(found.create_topics())
    return found


def failing_until(topic: str, ready: asyncio.Event) -> Handler:
    """Return a handler that numbers the records of each key, those of two keys only once it is `ready`."""
    number = count_per_key(topic)

    def handle(record: Record, state: State) -> Result:
        if record.key in FAILING and not ready.is_set():
            raise Retry("the system of this key does not answer", after_ms=200)
        return number(record, state)

    return handle


def spared(values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the records of the keys that never fail."""
    return [(key, value) for key, value in values if key.encode() not in FAILING]


def test_the_others_flow_while_a_key_waits_and_it_keeps_its_order(bench: Bench) -> None:
    """Everything of the other keys is answered before; then the waiting ones, each once and in order."""
    values = records(2_000)

    async def scenario() -> None:
        ready = asyncio.Event()
        async with bench.worker(role=bench.role(failing_until(bench.topic("out"), ready))):
            await bench.feed(values[:1_000])
            first = await bench.counted(len(spared(values[:1_000])))
            assert unbroken(first, per_key(spared(values[:1_000])))
            await bench.feed(values[1_000:])
            assert unbroken(await bench.counted(len(spared(values))), per_key(spared(values)))
            ready.set()
            assert unbroken(await bench.counted(len(values)), per_key(values))
        assert await bench.read("dead", 1, seconds=1) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("folder", ["kept", "lost"])
def test_what_waits_survives_its_worker(bench: Bench, folder: str) -> None:
    """Stopped while a key waits, on its old folder or a new machine, the next worker goes on in order."""
    values = records(800)

    async def scenario() -> None:
        ready = asyncio.Event()
        role = bench.role(failing_until(bench.topic("out"), ready))
        await bench.feed(values[:400])
        async with bench.worker("a", role=role):
            await bench.counted(len(spared(values[:400])))
        await bench.feed(values[400:])
        ready.set()
        async with bench.worker("a" if folder == "kept" else "b", role=role):
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_what_they_wait_for_goes_ahead_of_them(bench: Bench) -> None:
    """It is worked at once and they right after it, in order, long before they asked to be tried again."""
    values = records(400)

    async def scenario() -> None:
        number = count_per_key(bench.topic("out"))

        def handle(record: Record, state: State) -> Result:
            answer = b"answer of " + (record.key or b"")
            if record.value == b"answer":
                return Result(writes={answer: b"here"})
            if record.key in FAILING and state.get(answer) is None:
                raise Retry("no answer yet", after_ms=3_600_000)
            return number(record, state)

        role = replace(bench.role(handle), awaited=lambda record: record.value == b"answer")
        async with bench.worker(role=role):
            await bench.feed(values)
            assert unbroken(await bench.counted(len(spared(values))), per_key(spared(values)))
            await bench.feed([(key.decode(), "answer") for key in FAILING])
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_a_key_is_tried_again_when_it_asked_to_be(bench: Bench) -> None:
    """Not before the time that the handler names, and soon after it."""
    tried = list[float]()

    async def scenario() -> None:
        number = count_per_key(bench.topic("out"))

        def handle(record: Record, state: State) -> Result:
            tried.append(time.monotonic())
            if len(tried) == 1:
                raise Retry("not yet", after_ms=1_500)
            return number(record, state)

        async with bench.worker(role=bench.role(handle)):
            await bench.feed([("k", "v")])
            assert await bench.counted(1) == {"k": [1]}

    asyncio.run(scenario())
    first, second = tried
    assert second - first >= 1.49
