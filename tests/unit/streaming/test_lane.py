"""A lane's life without a broker."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord

from streaming.client import Connection, Limits
from streaming.errors import LaneBroken
from streaming.faust_role import wall_clock_ms
from streaming.handling import Role
from streaming.lane import Lane
from streaming.records import Record, Result, State


def _nothing(record: Record, state: State) -> Result:
    return Result()


class _Cancels:
    """A consumer that lets out a cancellation of its own, as aiokafka does when its broker goes."""

    async def pause(self, number: int) -> None:
        raise asyncio.CancelledError

    async def resume(self, number: int) -> None: ...

    async def seek(self, number: int, positions: Mapping[str, int]) -> None: ...

    async def reach(self, number: int) -> Mapping[str, tuple[int, int]]:
        return {}

    async def behind(self, number: int) -> bool:
        return False


def test_a_cancellation_that_nobody_asked_for_is_a_failure_like_another(tmp_path: Path) -> None:
    """Else the lane would end and tell nobody, and its partitions stand still."""

    async def scenario() -> None:
        connection = Connection("localhost:1", tmp_path, limits=Limits(failures_in_a_row=2))
        role = Role("test", ("in",), "state", _nothing, lambda record, error: [])
        with pytest.raises(LaneBroken):
            await asyncio.create_task(Lane(role, 0, connection, _Cancels(), wall_clock_ms).run())

    asyncio.run(scenario())


def _record(offset: int) -> Record:
    record: Record = ConsumerRecord("in", 0, offset, 0, 0, b"k", b"v", None, 1, 1, ())
    return record


def test_a_busy_lane_begins_with_what_a_fetch_has_just_brought(tmp_path: Path) -> None:
    """At an instant of its own it would take what came up to a fetch ago, and leave what is about to come."""

    async def before_its_time() -> bool:
        role = Role("test", ("in",), "state", _nothing, lambda record, error: [], gather=0.8)
        lane = Lane(role, 0, Connection("localhost:1", tmp_path), _Cancels(), wall_clock_ms)

        async def fetched(offset: int) -> None:
            lane.note_fetched("in", offset + 1)
            await lane.offer([_record(offset)])

        await fetched(0)
        await lane._until_due()  # idle: at once
        begun = asyncio.get_running_loop().time()
        await lane._take()
        await fetched(1)
        due = asyncio.create_task(lane._until_due())
        early = begun + role.gather - role.hold / 2  # from here on what comes makes it begin, and not before
        await asyncio.sleep(early - asyncio.get_running_loop().time() + 0.01)
        waits = not due.done()
        await fetched(2)
        await due
        return waits and asyncio.get_running_loop().time() < begun + role.gather

    assert any(asyncio.run(before_its_time()) for _ in range(5))
