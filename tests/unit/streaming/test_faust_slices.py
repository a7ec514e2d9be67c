"""What the consumer hands to lanes, whatever happens between two slices of one fetch."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from streaming.client import Connection, Limits
from streaming.faust_role import RoleApp, wall_clock_ms
from streaming.faust_slices import SliceConsumer
from streaming.handling import Role
from streaming.lane import Lane
from streaming.lanes import Lanes
from streaming.records import Record, Result, State


def _nothing(record: Record, state: State) -> Result:
    return Result()


_ROLE = Role("test", ("in",), "state", _nothing, lambda record, error: [])


def _record(offset: int) -> Any:  # noqa: ANN401  aiokafka has no types
    return ConsumerRecord("in", 0, offset, 0, 0, b"k", b"v", None, 1, 1, ())


async def _unused(*_: Any) -> None:  # noqa: ANN401  Faust's callbacks
    """Stand where Faust wants a callback: nothing here calls one."""


class _Fetched(SliceConsumer):
    """A consumer that has fetched records already."""

    def __init__(self, app: RoleApp, records: Mapping[TP, Any]) -> None:
        super().__init__(app.transport, _unused, _unused, _unused)
        self._now = records

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ANN401, ASYNC109  Faust's signature
        return self._now, None


def _opens_anew(lanes: Lanes, lane: Lane) -> Lane:
    lane.epoch = Lane(_ROLE, 0, Connection("localhost:1", Path()), lane._flow, wall_clock_ms).epoch
    return lane


def _is_replaced(lanes: Lanes, lane: Lane) -> Lane:
    other = Lane(_ROLE, 0, Connection("localhost:1", Path()), lane._flow, wall_clock_ms)
    lanes._lanes[0] = (other, lanes._lanes[0][1])
    other.working = True
    return other


@pytest.mark.parametrize("happens", [_opens_anew, _is_replaced])
def test_slices_fetched_before_a_lane_opened_are_none_of_its_work(
    tmp_path: Path, happens: Callable[[Lanes, Lane], Lane]
) -> None:
    """Between two slices of one fetch it opens and seeks back: to take the second would skip the first."""

    async def scenario() -> None:
        connection = Connection("localhost:1", tmp_path, limits=Limits(slice_records=2))
        app = RoleApp(_ROLE, connection, wall_clock_ms)
        consumer = _Fetched(app, {TP("in", 0): [_record(offset) for offset in range(4)]})
        lane = Lane(_ROLE, 0, connection, consumer, wall_clock_ms)
        lane.working = True
        app.lanes._lanes[0] = (lane, asyncio.create_task(asyncio.sleep(0)))
        slices = consumer.getmany(1.0)
        await anext(slices)
        opened = happens(app.lanes, lane)
        _, second = await anext(slices)
        assert second.value is not None
        await app.lanes.offer(second.value)
        assert opened.expected() == {}

    asyncio.run(scenario())


def test_while_nothing_may_be_fetched_the_consumer_looks_again_soon(tmp_path: Path) -> None:
    """Faust would sleep for a second, and that is how much later each worker would begin to work."""

    async def scenario() -> float:
        app = RoleApp(_ROLE, Connection("localhost:1", tmp_path), wall_clock_ms)
        consumer = SliceConsumer(app.transport, _unused, _unused, _unused)
        began = time.monotonic()
        assert [one async for one in consumer.getmany(60.0)] == []
        return time.monotonic() - began

    assert min(asyncio.run(scenario()) for _ in range(3)) < 0.5
