"""Timers on a real Kafka: each fires once, in its order, at its time, whatever ends between."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streaming.client import Limits
from streaming.clock import FileClock, set_clock
from streaming.records import Output, Record, Result, State
from streaming.timers import Timer, timer_key
from tests.broker.delivery import Bench

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@dataclass
class Alarms:
    """A handler to whom a record says in how many minutes after noon its key is to ring; `-` cancels."""

    topic: str
    fails: Callable[[Timer], bool] = lambda timer: False
    failed: Counter[bytes] = field(default_factory=Counter)

    def __call__(self, record: Record, state: State) -> Result:
        key, said = record.key or b"", (record.value or b"").decode()
        cancel = said.startswith("-")
        at = milliseconds(NOON + timedelta(minutes=int(said.removeprefix("-"))))
        return Result(writes={timer_key(at, key): None if cancel else b"ring"})

    def due(self, timer: Timer, state: State) -> Result:
        if self.fails(timer):
            self.failed[timer.name] += 1
            raise ValueError("no")
        rung = int(state.get(timer.name) or b"0") + 1
        text = b"%d %d" % (rung, timer.at_ms)
        return Result([Output(self.topic, timer.name, text)], {timer.name: b"%d" % rung})


@pytest.fixture
def bench(bootstrap: str, tmp_path: Path) -> Bench:
    """Topics of this test's own, and a clock that stands at noon."""
    file = tmp_path / "clock"
    set_clock(file, NOON)
    found = Bench(bootstrap, tmp_path, clock=FileClock(file))
    asyncio.run(found.create_topics())
    return found


def later(bench: Bench, minutes: float) -> None:
    set_clock(bench.folder / "clock", NOON + timedelta(minutes=minutes))


async def settled(bench: Bench, count: int) -> None:
    """Wait until the state topic says that `count` records were worked."""
    written = 0
    async with asyncio.timeout(60):
        while written < count:
            records = await bench.read("state", 10_000, seconds=0.3)
            written = len({record.key for record in records if record.key and record.key[:1] == b"\x01"})


def test_timers_fire_in_order_at_their_time_and_once(bench: Bench) -> None:
    """Neither before their time, nor out of order, nor once more when the worker starts again."""
    role = bench.role(Alarms(bench.topic("out")))
    minutes = {f"k{number}": 10 + number * 7 % 40 for number in range(40)}

    async def scenario() -> None:
        await bench.feed([(key, str(at)) for key, at in minutes.items()])
        async with bench.worker(role=role):
            await settled(bench, len(minutes))
            later(bench, 30)
            early = sum(at <= 30 for at in minutes.values())
            assert len(await bench.read("out", early)) == early
        later(bench, 60)
        async with bench.worker(role=role):
            rung = await bench.read("out", len(minutes))
        async with bench.worker(role=role):
            assert len(await bench.read("out", len(minutes) + 1, seconds=1.5)) == len(minutes)
        assert {(r.key or b"").decode(): (r.value or b"").decode() for r in rung} == {
            key: f"1 {milliseconds(NOON + timedelta(minutes=at))}" for key, at in minutes.items()
        }
        for number in range(4):
            order = [int((r.value or b"").split()[1]) for r in rung if r.partition == number]
            assert order == sorted(order)

    asyncio.run(scenario())


def test_a_cancelled_timer_does_not_fire(bench: Bench) -> None:
    """What was answered in time rings no more."""
    role = bench.role(Alarms(bench.topic("out")))

    async def scenario() -> None:
        await bench.feed([("a", "10"), ("b", "10"), ("a", "-10")])
        later(bench, 20)
        async with bench.worker(role=role):
            await bench.read("out", 1)
            rung = await bench.read("out", 2, seconds=1)
        assert [record.key for record in rung] == [b"b"]

    asyncio.run(scenario())


def test_timers_come_back_with_the_state_when_the_folder_is_lost(bench: Bench) -> None:
    """A timer is state like any other: on a new machine it fires, and what has fired does not."""
    role = bench.role(Alarms(bench.topic("out")))

    async def scenario() -> None:
        await bench.feed([("a", "10"), ("b", "20")])
        async with bench.worker("old", role):
            await settled(bench, 2)
            later(bench, 15)
            await bench.read("out", 1)
        shutil.rmtree(bench.folder / "old")
        later(bench, 25)
        async with bench.worker("new", role):
            rung = await bench.read("out", 2)
        assert sorted(record.key or b"" for record in rung) == [b"a", b"b"]

    asyncio.run(scenario())


def test_a_worker_that_was_away_first_hears_what_was_answered_meanwhile(bench: Bench) -> None:
    """The cancellation that came while nobody worked counts, though the timer is long due."""
    role = bench.role(Alarms(bench.topic("out")))

    async def scenario() -> None:
        await bench.feed([("a", "10"), ("b", "10")])
        async with bench.worker(role=role):
            await settled(bench, 2)
        await bench.feed([("a", "-10")])
        later(bench, 60)
        async with bench.worker(role=role):
            await bench.read("out", 1)
            rung = await bench.read("out", 2, seconds=1)
        assert [record.key for record in rung] == [b"b"]

    asyncio.run(scenario())


def test_a_timer_on_which_the_handler_fails_is_put_off_and_the_others_fire(bench: Bench) -> None:
    """Its failure is its own, and it is tried again until it succeeds."""
    alarms = Alarms(bench.topic("out"), fails=lambda timer: timer.name == b"bad" and not healed)
    healed = False
    bench.limits = Limits(session_timeout=6.0, failures_in_a_row=6)
    role = replace(bench.role(alarms), gather=0.0)

    async def scenario() -> None:
        nonlocal healed
        await bench.feed([("bad", "10"), ("good", "10")])
        async with bench.worker(role=role):
            await settled(bench, 2)
            later(bench, 20)
            assert [record.key for record in await bench.read("out", 1)] == [b"good"]
            async with asyncio.timeout(30):
                while not alarms.failed:  # noqa: ASYNC110  a handler has nobody to tell
                    await asyncio.sleep(0.05)
            healed = True
            later(bench, 40)
            rung = await bench.read("out", 2)
        assert sorted(record.key or b"" for record in rung) == [b"bad", b"good"]
        assert alarms.failed == {b"bad": 1}

    asyncio.run(scenario())
