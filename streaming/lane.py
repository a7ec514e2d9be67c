"""A lane: one role, one partition number, its state, and one transaction at a time.

It opens by fencing, restores its state with the input positions that the state carries, seeks to
those, then works. A fenced or failed transaction closes it; if the number is still ours, it opens again.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError

from streaming import changelog
from streaming.client import Connection
from streaming.context import named
from streaming.errors import LaneBroken, RecordTooLarge, StateInUse, TooManyUnexpected, TransactionLost
from streaming.records import Handler, Output, Record, Result, WithoutContent
from streaming.store import Overlay, Store
from streaming.transaction import Writer

_log = structlog.get_logger(__name__)
_epochs = itertools.count(1)
"""No two lanes have an epoch in common: a lane that opens in the place of another takes nothing of it."""
_CHUNK = 64
"""Records worked before other lanes, and the producers' own tasks, get a turn."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a lane needs to know of its role."""

    name: str
    inputs: tuple[str, ...]
    changelog: str
    handler: Handler
    dead_letter: Callable[[Record, Exception], Sequence[Output]]
    tombstones_kept_ms: int = 7 * 24 * 3600 * 1000
    takes: Mapping[str, int] = field(default_factory=dict)
    """The largest record that a topic takes, in bytes; `Limits.output_bytes` for one that is not named."""

    @property
    def group(self) -> str:
        """The consumer group, and the prefix of the transactional ids."""
        return f"l233.{self.name}"


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


@dataclass(slots=True)
class Progress:
    """What a lane has done since its worker started."""

    records: int = 0
    transactions: int = 0
    unexpected: int = 0
    openings: int = 0
    restored: int = 0
    positions: dict[str, int] = field(default_factory=dict)

    @property
    def moves(self) -> int:
        """A number that changes whenever the lane gets on: to restore much state takes its time."""
        return self.transactions + self.restored


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
        self._paused = False
        self._arrived = asyncio.Event()
        self._closing = False
        self._unexpected_in_a_row = 0
        self._failures_in_a_row = 0
        self._next: dict[str, int] = {}
        self._untold: dict[str, int] = {}
        self._tell_at = 0.0
        self._begin_at = 0.0
        self._fetched: dict[str, int] = {}
        self.epoch = next(_epochs)
        """Changes whenever the lane seeks: records fetched under another epoch are not for it."""
        self.working = False
        self.progress = Progress()

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
        self._arrived.set()
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
        self._waiting_bytes = 0
        self._arrived.clear()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with contextlib.suppress(KafkaError, OSError):  # its failure is what brought us here
                await writer.stop(self._limits.close_timeout)

    async def close(self, task: "asyncio.Task[None]") -> None:
        """Let the transaction under way end, within the bound, and release the state."""
        self._closing = True
        self._arrived.set()
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
        """Work what waits in one transaction; False when the lane is closing."""
        await self._until_due()
        slices = [] if self._closing else await self._take()
        if slices:
            await self._transact(slices)
        elif self._untold and self._writer is not None:
            await self._writer.begin()
            await self._tell(self._writer)
            await self._writer.commit(self._role.changelog)
        return not self._closing

    async def _until_due(self) -> None:
        """Wait for records, or until the group is to be told of what was worked; let a busy lane gather."""
        clock = asyncio.get_running_loop().time
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._tell_at if self._untold else None):
                await self._arrived.wait()
        if not self._closing:
            await asyncio.sleep(self._begin_at - clock())
            self._begin_at = clock() + self._limits.gather

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
        self._tell_at = asyncio.get_running_loop().time() + self._limits.tell_interval

    async def _transact(self, slices: Sequence[Sequence[Record]]) -> None:
        writer, store = self._writer, self._store
        if writer is None or store is None:
            raise LaneBroken("a lane works only while it is open")
        await writer.begin()
        overlay = Overlay(store)
        count = 0
        for records in slices:
            for record in records:
                self._work(record, overlay, writer)
                count += 1
                if count % _CHUNK == 0:
                    await writer.send_full()
                    await asyncio.sleep(0)
        for output in overlay.latest.values():
            writer.add(output)
        positions = self.progress.positions | {r[-1].topic: r[-1].offset + 1 for r in slices}
        overlay.writes[changelog.POSITIONS] = changelog.encode_positions(positions)
        for key, value in overlay.writes.items():
            writer.add(Output(self._role.changelog, key, value))
        self._untold = positions
        if asyncio.get_running_loop().time() >= self._tell_at:
            await self._tell(writer)
        next_offset = await writer.commit(self._role.changelog)
        store.apply(overlay.writes, next_offset=next_offset, now_ms=self._now_ms())
        self._failures_in_a_row = 0
        self.progress.positions = positions
        self.progress.records += count
        self.progress.transactions += 1

    def _work(self, record: Record, overlay: Overlay, writer: Writer) -> None:
        """Take all of what a record causes, or, if the handler fails on it, its dead letter alone."""
        try:
            result = self._role.handler(record, overlay)
            self._check(result, writer)
        except Exception as error:  # isolation: told in the log, in the dead letter and in the count
            result = self._isolate(record, error, writer)
        else:
            self._unexpected_in_a_row = 0
        for output in result.outputs:
            writer.add(output)
        overlay.take(result)

    def _check(self, result: Result, writer: Writer) -> None:
        """Raise `RecordTooLarge` for anything that its topic, or the changelog, would refuse."""
        for output in (*result.outputs, *result.latest):
            writer.check(output)
        for key, value in result.writes.items():
            writer.check(Output(self._role.changelog, key, value))

    def _isolate(self, record: Record, error: Exception, writer: Writer) -> Result:
        # A record that grows too large is its own fault, not the handler's: a flood of them stops nothing.
        self._unexpected_in_a_row += not isinstance(error, RecordTooLarge)
        self.progress.unexpected += 1
        place = f"{record.topic}/{record.partition}/{record.offset}"
        _log.error("record_unexpected", error=type(error).__name__, **named(record))
        if self._unexpected_in_a_row >= self._limits.unexpected_in_a_row:
            raise TooManyUnexpected(
                f"{self._role.name} failed on {self._unexpected_in_a_row} records in a row, last {place}: "
                f"{type(error).__name__}; repair it and start again: nothing of this slice was committed"
            ) from error
        letter = Result(outputs=self._role.dead_letter(record, error))
        try:
            self._check(letter, writer)
        except RecordTooLarge:  # a compressed record may be far larger than the input takes
            return Result(outputs=self._role.dead_letter(WithoutContent.of(record), error))
        return letter


def _size(records: Sequence[Record]) -> int:
    """Return the bytes of keys, values and headers, roughly: 100 a record for what is around them."""
    return sum(
        len(record.value or b"")
        + len(record.key or b"")
        + sum(len(name) + len(value or b"") for name, value in record.headers)
        + 100
        for record in records
    )
