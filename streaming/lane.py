"""A lane: one role, one partition number, its state, and one transaction at a time.

It opens by fencing, restores its state with the input positions that the state carries, seeks to
those, then works. A fenced or failed transaction closes it; if the number is still ours, it opens again.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from streaming import changelog
from streaming.client import Connection
from streaming.errors import LaneBroken, StateInUse, TransactionLost
from streaming.handling import Handling, Progress, Role
from streaming.records import Output, Record
from streaming.store import Overlay, Store
from streaming.timers import PREFIX, due_at
from streaming.transaction import Writer

_log = structlog.get_logger(__name__)
_epochs = itertools.count(1)
"""No two lanes have an epoch in common: a lane that opens in the place of another takes nothing of it."""
_CHUNK = 64
"""Records worked before other lanes, and the producers' own tasks, get a turn."""
_TIMERS = 500
"""Timers fired in one transaction."""
_LOOK_AGAIN = 0.05
"""Seconds before a lane that is due, but not caught up, or held, looks again."""


class Flow(Protocol):
    """What a lane asks of the consumer that feeds it."""

    async def pause(self, number: int) -> None:
        """Fetch nothing more from the inputs of this number."""
        ...

    async def resume(self, number: int) -> None:
        """Fetch again from the inputs of this number."""
        ...

    async def seek(self, number: int, positions: Mapping[str, int]) -> None:
        """Go on from these offsets; an input that is not named goes on from its beginning."""
        ...

    async def reach(self, number: int) -> Mapping[str, tuple[int, int]]:
        """Return the first offset of each input of this number, and the one after its last."""
        ...

    async def behind(self, number: int) -> bool:
        """Say whether an input of this number has anything that was not fetched yet."""
        ...


class Lane:
    """Owns everything about the workers of one partition number, for one role."""

    def __init__(
        self, role: Role, number: int, connection: Connection, flow: Flow, now_ms: Callable[[], int]
    ) -> None:
        self._role = role
        self.number = number
        self._connection = connection
        self._limits = connection.limits
        self._flow = flow
        self._now_ms = now_ms
        self._store: Store | None = None
        self._writer: Writer | None = None
        self._waiting: deque[tuple[Sequence[Record], int]] = deque()
        """Slices, each with its bytes."""
        self._waiting_bytes = 0
        self._waiting_records = 0
        self._paused = False
        self._arrived = asyncio.Event()
        self._enough = asyncio.Event()
        """Nothing more is worth waiting for: a full slice waits, or the lane closes."""
        self._fresh = asyncio.Event()
        """All that a fetch has brought is here, and nothing newer will be for a while."""
        self._closing = False
        self._failures_in_a_row = 0
        self._next: dict[str, int] = {}
        self._untold: dict[str, int] = {}
        self._tell_at = 0.0
        self._begin_at = 0.0
        self._fetched: dict[str, int] = {}
        self._clock = connection.clock
        self._first_timer: bytes | None = None
        """The first timer's key, or one before it: no timer lies before. None: there is none."""
        self._caught_up = False
        self._held = False
        self.epoch = next(_epochs)
        """Changes whenever the lane seeks: records fetched under another epoch are not for it."""
        self.working = False
        self.progress = Progress()
        self._handling = Handling(role, connection, self.progress)

    # -- what arrives -----------------------------------------------------------------------------

    def expected(self) -> dict[str, int]:
        """Return the next offset per input that the lane has not been offered yet."""
        return dict(self._next)

    def note_fetched(self, topic: str, position: int) -> None:
        """Note how far an input was fetched for this lane, whether or not it has been offered that yet."""
        self._fetched[topic] = max(self._fetched.get(topic, 0), position)

    @property
    def idle(self) -> bool:
        """Whether the lane is open and has committed everything that was fetched for it."""
        return self.working and self._fetched == self.progress.positions

    async def offer(self, records: Sequence[Record]) -> None:
        """Take a slice of one input, in order; pauses the inputs when too much waits."""
        topic = records[0].topic
        expected = self._next.get(topic, 0)
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
            if not records:
                return
        self._next[topic] = records[-1].offset + 1
        size = _size(records)
        self._waiting.append((records, size))
        self._waiting_bytes += size
        self._waiting_records += len(records)
        self._arrived.set()
        if self._next.items() >= self._fetched.items():
            self._fresh.set()
        if self._waiting_records >= self._limits.slice_records:
            self._enough.set()
            self._fresh.set()
        if self._waiting_bytes > self._limits.lane_bytes and not self._paused:
            self._paused = True
            await self._flow.pause(self.number)

    async def _take(self) -> list[Sequence[Record]]:
        """Return what waits, up to one transaction's bounds."""
        taken: list[Sequence[Record]] = []
        count = size = 0
        while self._waiting and count < self._limits.slice_records and size < self._limits.slice_bytes:
            records, bytes_ = self._waiting.popleft()
            taken.append(records)
            count += len(records)
            size += bytes_
        self._waiting_bytes -= size
        self._waiting_records -= count
        if self._waiting_records < self._limits.slice_records and not self._closing:
            self._enough.clear()
        if not self._waiting:
            self._arrived.clear()
        if self._paused and self._waiting_bytes < self._limits.lane_bytes // 2:
            self._paused = False
            await self._flow.resume(self.number)
        return taken

    # -- life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Open and work until closed; open again after a failed transaction.

        Raises `LaneBroken` after too many failures in a row, `TooManyUnexpected` when the handler
        fails on record after record, and whatever else is not Kafka's doing.
        """
        # For every line that is logged in this lane, by the agents too: each task has a context of its own.
        structlog.contextvars.bind_contextvars(role=self._role.name, lane=self.number)
        while not self._closing:
            try:
                await self._open()
                _log.debug("lane_opened", positions=self._next)
                while await self._work_next():
                    pass
            except (KafkaError, TransactionLost, OSError, TimeoutError, StateInUse) as error:
                await self._failed(error)
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                # Nobody cancelled the lane: without its broker, aiokafka lets out that it cancelled its own
                # tasks. Taken for ours, it would end the lane and tell nobody.
                await self._failed(error)

    async def _failed(self, error: BaseException) -> None:
        """Discard what the failure left, and wait a little longer each time."""
        self._failures_in_a_row += 1
        _log.warning("lane_failed", error=repr(error), in_a_row=self._failures_in_a_row)
        if self._failures_in_a_row >= self._limits.failures_in_a_row:
            raise LaneBroken(
                f"lane {self._role.name}.{self.number} failed {self._failures_in_a_row} times in a "
                f"row, last: {error!r}; nothing of it was committed"
            ) from error
        await self._discard()
        await asyncio.sleep(min(0.1 * 2**self._failures_in_a_row, 5.0))

    async def _open(self) -> None:
        """Fence, restore, seek: in this order, so that no position is read that could still move."""
        self.working = False
        self.epoch = next(_epochs)
        self.progress.openings += 1
        await self._flow.pause(self.number)
        self._writer = Writer(
            self._connection, f"{self._role.group}.{self.number}", self.number, self._role.takes
        )
        await self._writer.start()
        if self._store is None:
            self._store = Store(self._connection.state / self._role.name / str(self.number))
        await changelog.restore(
            self._store,
            self._role.changelog,
            self.number,
            self._connection,
            now_ms=self._now_ms,
            tombstones_kept_ms=self._role.tombstones_kept_ms,
            on_restored=self._note_restored,
        )
        self._next = await self._reachable(changelog.positions(self._store))
        self._fetched = dict(self._next)
        self.progress.positions = dict(self._next)
        self._untold = dict(self._next)
        await self._flow.seek(self.number, self._next)
        self.epoch = next(_epochs)
        self._first_timer = next((key for key, _ in self._store.scan(PREFIX)), None)
        self._handling.opened(Overlay(self._store, self._connection.veil))
        self._caught_up = False
        self.working = True
        self._paused = False
        await self._flow.resume(self.number)

    def _note_restored(self, count: int) -> None:
        self.progress.restored += count

    async def _reachable(self, positions: dict[str, int]) -> dict[str, int]:
        """Return the positions that the inputs still have, and tell of those that they have not.

        An input that ends before a position was deleted and made anew: nothing of it has been worked.
        """
        for topic, (first, end) in (await self._flow.reach(self.number)).items():
            position = positions.get(topic, 0)
            if position > end:
                _log.error("input_made_anew", topic=topic, position=position, end=end)
                del positions[topic]
            elif topic in positions and position < first:
                _log.error("records_expired_unworked", topic=topic, position=position, first=first)
        return positions

    async def _discard(self) -> None:
        """Forget what waits and the writer whose outcome is unknown."""
        self.working = False
        self._waiting.clear()
        self._waiting_bytes = self._waiting_records = 0
        self._arrived.clear()
        self._enough.clear()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with contextlib.suppress(KafkaError, OSError):  # its failure is what brought us here
                await writer.stop(self._limits.close_timeout)

    async def close(self, task: "asyncio.Task[None]") -> None:
        """Let the transaction under way end, within the bound, and release the state."""
        self._closing = True
        self._arrived.set()
        self._enough.set()
        self._fresh.set()
        _, late = await asyncio.wait([task], timeout=self._limits.close_timeout)
        if late:
            task.cancel()
            await asyncio.wait([task])
        await self._discard()
        if self._store is not None:
            self._store.close()
            self._store = None

    # -- work -------------------------------------------------------------------------------------

    async def _work_next(self) -> bool:
        """Work what waits, or fire what is due, in one transaction; False when the lane is closing."""
        await self._until_due()
        if self._closing:
            return False
        if await self._hold():
            return True
        slices = await self._take()
        if slices:
            await self._transact(slices)
        if await self._timers_due():
            await self._fire()
        elif not slices and self._untold and self._writer is not None and self._now() >= self._tell_at:
            await self._writer.begin()
            await self._tell(self._writer)
            await self._writer.commit(self._role.changelog)
        return True

    async def _hold(self) -> bool:
        """Wait a little if the lane is to wait: what has arrived stays; its inputs pause when it is much."""
        why = self._role.held(self.number)
        if (why is not None) != self._held:
            self._held = why is not None
            if why is None:
                _log.info("lane_released")
            else:
                _log.warning("lane_held", why=why)
        if why is not None:
            await asyncio.sleep(_LOOK_AGAIN)
        return self._held

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _until_due(self) -> None:
        """Wait for records, a timer, or until the group is to be told; let a busy lane gather."""
        waits = []
        if self._untold:
            waits.append(self._tell_at - self._now())
        if self._first_timer is not None:
            waits.append(self._clock.seconds_until(due_at(self._first_timer)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min(waits), 0.0) if waits else None):
                await self._arrived.wait()
        if not self._closing:
            await self._gather()

    async def _gather(self) -> None:
        """Let a busy lane gather, then begin with what the next fetch brings: that has waited least."""
        early, late = self._begin_at - self._role.hold / 2, self._begin_at + self._role.hold / 2
        if early > self._now() and not await _within(self._enough, early):
            self._fresh.clear()
            await _within(self._fresh, late)
        self._begin_at = self._now() + self._role.gather

    # -- timers -----------------------------------------------------------------------------------

    async def _timers_due(self) -> bool:
        """Say whether a timer is due, and everything that was there when the lane opened has been worked.

        A lane that was away first hears what was answered meanwhile, in time: only then it says what is late.
        """
        if self._first_timer is None or due_at(self._first_timer) > self._clock.now_ms():
            return False
        if not self._caught_up:
            self._caught_up = self.idle and not await self._flow.behind(self.number)
            if not self._caught_up:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN):
                        await self._arrived.wait()
        return self._caught_up

    async def _fire(self) -> None:
        """Fire the timers that are due, the earliest first, in a transaction of their own."""
        now = self._clock.now_ms()
        async with self._transaction({}) as (overlay, writer):
            for key, value in itertools.islice(self._entries(), _TIMERS):
                if due_at(key) > now:
                    break
                if overlay.writes.get(key, value) is not None:  # not cancelled by one that fired before it
                    self._handling.timer(key, value, overlay, writer, now)
        self._first_timer = next((key for key, _ in self._entries()), None)

    def _entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the timers' entries from the first one on: what was fired before it is not passed again."""
        if self._store is None or self._first_timer is None:
            return iter(())
        return self._store.scan(PREFIX, self._first_timer)

    # -- transactions -----------------------------------------------------------------------------

    async def _tell(self, writer: Writer) -> None:
        """Tell the group where the lane is; not in every transaction, since it costs as much as the rest."""
        places = {
            (topic, self.number): position
            for topic, position in self._untold.items()
            if topic in self._role.inputs  # not one that an earlier release read: it may be gone
        }
        if places:
            await writer.tell(places, self._role.group)
        self._untold = {}
        self._tell_at = self._now() + self._limits.tell_interval

    async def _transact(self, slices: Sequence[Sequence[Record]]) -> None:
        """Work slices in one transaction."""
        count = 0
        async with self._transaction({r[-1].topic: r[-1].offset + 1 for r in slices}) as (overlay, writer):
            for records in slices:
                for record in records:
                    self._handling.record(record, overlay, writer)
                    count += 1
                    if count % _CHUNK == 0:
                        await writer.send_full()
                        await asyncio.sleep(0)
        self.progress.records += count

    @contextlib.asynccontextmanager
    async def _transaction(self, moved: Mapping[str, int]) -> AsyncIterator[tuple[Overlay, Writer]]:
        """Commit what the block adds, with its state and the inputs' positions, all or nothing."""
        writer, store = self._writer, self._store
        if writer is None or store is None:
            raise LaneBroken("a lane works only while it is open")
        await writer.begin()
        overlay = Overlay(store, self._connection.veil)
        yield overlay, writer
        for output in overlay.latest():
            writer.add(output)
        positions = {**self.progress.positions, **moved}
        overlay.writes[changelog.POSITIONS] = changelog.encode_positions(positions)
        writes = overlay.veiled()
        for key, value in writes.items():
            writer.add(Output(self._role.changelog, key, value))
        self._untold = positions
        if self._now() >= self._tell_at:
            await self._tell(writer)
        next_offset = await writer.commit(self._role.changelog)
        store.apply(writes, next_offset=next_offset, now_ms=self._now_ms())
        self._note_timers(writes)
        self._failures_in_a_row = 0
        self.progress.positions = positions
        self.progress.transactions += 1

    def _note_timers(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Know the first timer again after these writes."""
        for key, value in writes.items():
            if key.startswith(PREFIX) and value is not None:
                self._first_timer = key if self._first_timer is None else min(self._first_timer, key)


async def _within(event: asyncio.Event, at: float) -> bool:
    """Wait for an event until the loop's time is `at`; say whether it came."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(at):
            await event.wait()
    return event.is_set()


def _size(records: Sequence[Record]) -> int:
    """Return the bytes of keys, values and headers, roughly: 100 a record for what is around them."""
    size = 100 * len(records)
    for record in records:
        size += len(record.value or b"") + len(record.key or b"")
        for name, value in record.headers:
            size += len(name) + len(value or b"")
    return size
