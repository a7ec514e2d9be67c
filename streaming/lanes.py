"""The lanes of one role in one worker: opened and closed as Kafka assigns partition numbers."""

import asyncio
from collections.abc import Callable

import structlog

from streaming.client import Connection
from streaming.errors import LaneBroken
from streaming.handling import Progress, Role
from streaming.lane import Flow, Lane
from streaming.records import Slice

_log = structlog.get_logger(__name__)


class Lanes:
    """Every lane of a role that this worker has been given."""

    def __init__(self, role: Role, connection: Connection, now_ms: Callable[[], int]) -> None:
        self.role = role
        self._connection = connection
        self._now_ms = now_ms
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends with the exception of the first lane that can't go on."""
        self.last_turn_ms = now_ms()
        """When the fetch loop last came round: health is progress, not an open port."""

    def turned(self) -> None:
        """Note that the fetch loop came round."""
        self.last_turn_ms = self._now_ms()

    async def assign(self, numbers: set[int], flow: Flow) -> None:
        """Own exactly these numbers. All lanes open anew, since another worker may have had them between."""
        await self.release()
        for number in sorted(numbers):
            lane = Lane(self.role, number, self._connection, flow, self._now_ms)
            task = asyncio.create_task(lane.run(), name=f"{self.role.name}.{number}")
            task.add_done_callback(self._ended)
            self._lanes[number] = (lane, task)
        _log.info("lanes_assigned", role=self.role.name, lanes=sorted(numbers))

    async def release(self) -> None:
        """Close every lane: transactions under way end, within the bound; the rest stays uncommitted."""
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.close(task) for lane, task in lanes.values()))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self.failure.done():
            return
        if not task.cancelled():
            if error := task.exception():
                self.failure.set_exception(error)
        elif any(task is ours for _, ours in self._lanes.values()):  # not one that was closed
            self.failure.set_exception(LaneBroken(f"lane {task.get_name()} was ended from outside"))

    def get(self, number: int) -> Lane | None:
        """Return the lane of this number, if it is ours."""
        entry = self._lanes.get(number)
        return entry[0] if entry else None

    def epochs(self) -> dict[int, int]:
        """Return the epoch of every lane, to be compared after a fetch."""
        return {number: lane.epoch for number, (lane, _) in self._lanes.items()}

    async def offer(self, slice_: Slice) -> None:
        """Hand a slice to its lane; one fetched for a lane that has moved on since is dropped: it seeks."""
        lane = self.get(slice_.number)
        if lane is not None and lane.working and lane.epoch == slice_.epoch:
            await lane.offer(slice_.records)

    def working(self) -> dict[int, bool]:
        """Return, by number, whether each lane is open and working."""
        return {number: lane.working for number, (lane, _) in self._lanes.items()}

    def held(self) -> dict[int, str]:
        """Return, by number, why lanes wait that are to wait for now."""
        found = {number: self.role.held(number) for number in self._lanes}
        return {number: why for number, why in found.items() if why is not None}

    def progress(self) -> dict[int, Progress]:
        """Return what each lane has done, by number."""
        return {number: lane.progress for number, (lane, _) in self._lanes.items()}
