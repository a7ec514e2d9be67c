"""A lane's life without a broker."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

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
