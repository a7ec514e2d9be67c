"""Brings inputs and what was recorded of them together: a range of the stream, read beside its decisions.

A consumer of its own reads the input and what became of it side by side, partition by partition; nothing is
written, no group notices. Partitions are shared out over processes, and come together in their order, so that
the result does not depend on how many there are.
"""

import asyncio
import copyreg
import gc
import multiprocessing
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, Queue
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from agents.emission import INPUT_HEADER, OUTCOME_HEADER
from agents.intake import input_record
from coordination.intake import Intake
from coordination.replaying import NOTHING, Recorded
from coordination.rulebook import Rulebook
from coordination.verdicts import InputRecord
from l233.erased import input_was_erased
from l233.errors import L233Error
from l233.reference import world
from l233.scheme_publishing import published_world
from l233.settings import Settings
from schemas import topics
from schemas.topics import INPUT
from streaming.archive import Archive
from streaming.client import Connection
from streaming.reading import reader
from streaming.records import Record
from streaming.veil import readable

T = TypeVar("T")


_View = MappingProxyType[object, object]


def _view(of: dict[object, object]) -> _View:
    return MappingProxyType(of)


def _taken_apart(view: _View) -> tuple[Callable[..., _View], tuple[dict[object, object]]]:
    return _view, (dict(view),)


# A rulebook goes to another process whole, which a read-only view of a dict can't by itself.
copyreg.pickle(MappingProxyType, _taken_apart)

RECORDED: Final = (topics.DECISIONS, topics.DEAD_LETTERS, topics.RECEIPTS)
_BY_INTAKE: Final = b"urn:l233:intake"
_MARGIN_MS: Final = 3_600_000
"""How much earlier than an input its outcome may seem to be written: clocks of two machines differ."""
_AHEAD: Final = 4_000
"""Records of one topic that may wait for the others: what bounds the memory."""
_REPORT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets of the input, by partition: from the first to before the last."""

    first: Mapping[int, int]
    last: Mapping[int, int]

    @property
    def size(self) -> int:
        """How many offsets it spans; marks of transactions count too."""
        return sum(max(self.last[number] - first, 0) for number, first in self.first.items())


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay, and how: all of it can be handed to another process."""

    settings: Settings
    range: Range
    since_ms: int
    rulebook: Rulebook
    worker: str | None = None
    rebuild: bool = False


class Progress(Protocol):
    """Told now and then how many more inputs were decided."""

    def __call__(self, more: int) -> None:
        """Take it."""


async def plan(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    *,
    rulebook: Rulebook | None = None,
    worker: str | None = None,
    rebuild: bool = False,
) -> Plan:
    """Return what a replay of the inputs that Kafka took between two instants comes to; ends are fixed now.

    Without `rulebook` the scheme of then decides: versions shipped and published. Raises KafkaError,
    TopicMissingError.
    """
    connection = settings.connection()
    if rulebook is None:
        rulebook = (await published_world(settings)).rulebook
    first = await _offsets(connection, INPUT, since)
    last = await _offsets(connection, INPUT, until, at_end=True)
    since_ms = 0 if since is None else int(since.timestamp() * 1000)
    return Plan(settings, Range(first, last), since_ms, rulebook, worker, rebuild)


async def _offsets(
    connection: Connection, topic: str, at: datetime | None, *, at_end: bool = False
) -> dict[int, int]:
    """Return, by partition, the first offset that Kafka took at `at` or later, or the beginning or end."""
    async with reader(connection) as source:
        places = await source.places([topic])
        ends = await source.ends(places)
        found = await source.at(places, 0 if at is None else int(at.timestamp() * 1000))
    if at_end and at is None:
        return {number: ends[topic, number] for _, number in places}
    return {number: found.get((topic, number), ends[topic, number]) for _, number in places}


class Gathering(ABC, Generic[T]):
    """Brings the inputs of one partition together with what was recorded of each, as both come in."""

    def __init__(self, number: int, planned: Plan) -> None:
        self.number: Final = number
        self.first, self._last = planned.range.first[number], planned.range.last[number]
        self._worker = None if planned.worker is None else planned.worker.encode()
        self._inputs: deque[Record] = deque()
        self._recorded: Mapping[str, deque[tuple[int, Record]]] = {topic: deque() for topic in RECORDED}
        self._open = {INPUT, *RECORDED}
        self._erased: Mapping[bytes, int] = {}

    def leave_out(self, erased: Mapping[bytes, int]) -> None:
        """Know who was erased, and when (milliseconds): what came of them before is not looked at."""
        self._erased = erased

    def was_erased(self, record: Record | InputRecord) -> bool:
        """Say whether a record is of a worker who was erased since."""
        if record.topic == INPUT:
            return input_was_erased(record, self._erased)
        at = self._erased.get(record.key or b"", -1)
        return record.timestamp <= at

    def wants(self, topic: str) -> bool:
        """Say whether more of a topic may come: what is far ahead of the others waits in Kafka."""
        waiting = self._inputs if topic == INPUT else self._recorded[topic]
        return len(waiting) < _AHEAD

    def offer(self, topic: str, records: Sequence[Record]) -> None:
        """Take records, in order."""
        if topic == INPUT:
            self._inputs.extend(record for record in records if record.offset < self._last)
            return
        queue = self._recorded[topic]
        for record in records:
            about = self._about(record)
            if about is None:
                continue
            if about >= self._last:  # in the order of the inputs: nothing more of the range comes
                self._open.discard(topic)
                return
            queue.append((about, record))

    def needs(self, topic: str) -> bool:
        """Say whether anything more of a topic may belong to the range."""
        return topic in self._open

    def ended(self, topic: str) -> None:
        """Know that nothing more of a topic comes."""
        self._open.discard(topic)

    def _about(self, record: Record) -> int | None:
        """Return the offset of the input that a record is about; None for what is of another place."""
        place = by_intake = None
        for name, value in record.headers:
            if name == INPUT_HEADER:
                place = value
            elif name == "ce_source":
                by_intake = value == _BY_INTAKE
        if place is None or not by_intake:
            return None
        partition, _, offset = place.partition(b"/")
        return int(offset) if int(partition) == self.number else None

    def work(self) -> int:
        """Examine every input of which everything that was recorded is here; return how many."""
        done = 0
        while self._inputs and self._complete(self._inputs[0].offset):
            record = self._inputs.popleft()
            self._look_at(input_record(record), self._recorded_of(record.offset))
            done += 1
        if not self._inputs and INPUT not in self._open:
            self._drop_before(self._last)
        return done

    def _look_at(self, record: InputRecord, recorded: Recorded) -> None:
        if not self.was_erased(record):
            self.examine(record, recorded)
        elif record.offset >= self.first and self.of_worker(record):
            self.erased(record.offset)

    def _complete(self, offset: int) -> bool:
        return all(
            topic not in self._open or (queue and queue[-1][0] > offset)
            for topic, queue in self._recorded.items()
        )

    def _recorded_of(self, offset: int) -> Recorded:
        self._drop_before(offset)
        found = NOTHING
        for topic, queue in self._recorded.items():
            while queue and queue[0][0] == offset:
                _, record = queue.popleft()
                if topic != topics.RECEIPTS and (found.decision or found.refused) and self.of_worker(record):
                    self.surplus(offset, topic)  # one input, one outcome
                found = _with(found, topic, record)
        return found

    def _drop_before(self, offset: int) -> None:
        """Count what was recorded of inputs that are not there; what is before the range is no matter."""
        for topic, queue in self._recorded.items():
            while queue and queue[0][0] < offset:
                about, record = queue.popleft()
                if about >= self.first and topic != topics.RECEIPTS and self.of_worker(record):
                    if self.was_erased(record):
                        self.erased(about)
                    else:
                        self.surplus(about, topic)

    def of_worker(self, record: Record | InputRecord) -> bool:
        """Say whether a record is about the worker who is asked for, if one is."""
        return self._worker is None or record.key == self._worker

    def done(self) -> T:
        """Return what came of the partition."""
        if self._inputs:
            raise L233Error(f"partition {self.number}: what was recorded ended before the inputs did")
        return self.result()

    @abstractmethod
    def examine(self, record: InputRecord, recorded: Recorded) -> None:
        """Take an input and what was recorded of it; with a rebuild, also those before the range."""

    def surplus(self, about: int, topic: str) -> None:
        """Take that a record is about an input that is not there, or about one more than once."""

    def erased(self, about: int) -> None:
        """Take that an input is of a worker who was erased: nothing can be decided on it again."""

    @abstractmethod
    def result(self) -> T:
        """Return what came of all inputs."""


Make = Callable[[Plan, Sequence[int]], Awaitable[Mapping[int, Gathering[T]]]]
"""Makes, in the process that reads them, who gathers each of some partitions; it can be pickled."""


def gather(planned: Plan, processes: int, on_progress: Progress, make: Make[T]) -> list[T]:
    """Read what was planned and return what came of each partition, in their order.

    Raises KafkaError, and L233Error when what was recorded ends early.
    """
    numbers = sorted(planned.range.first)
    shares = [numbers[at::processes] for at in range(min(processes, len(numbers)))]
    if len(shares) <= 1:
        return _share(planned, numbers, on_progress, make)
    found = _in_processes(planned, shares, on_progress, make)
    order = [number for share in shares for number in share]
    return [one for _, one in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])]


def judge_by(settings: Settings, rulebook: Rulebook) -> Intake:
    """Return today's code with these versions of the scheme."""
    known = world(settings)
    registry = known.registry
    return Intake(rulebook, known.directory, registry.allowed_sources, registry.partitions)


def _in_processes(
    planned: Plan, shares: Sequence[Sequence[int]], on_progress: Progress, make: Make[T]
) -> list[T]:
    context = multiprocessing.get_context("spawn")
    pool_of = partial(ProcessPoolExecutor, mp_context=context, initializer=_collect_seldom)
    with context.Manager() as manager, pool_of(len(shares)) as pool:
        queue = manager.Queue()
        futures = [pool.submit(_share, planned, share, queue.put, make) for share in shares]
        while not all(future.done() for future in futures):
            wait(futures, timeout=0.2)
            _drain(queue, on_progress)
        _drain(queue, on_progress)
        return [part for future in futures for part in future.result()]


def _collect_seldom() -> None:
    """Look for garbage in cycles seldom: records and decisions are in none. A tenth of the CPU, measured."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _drain(queue: "Queue[int]", on_progress: Progress) -> None:
    while True:
        try:
            on_progress(queue.get(block=False))
        except Empty:
            return


def _share(
    planned: Plan, numbers: Sequence[int], on_progress: Callable[[int], None], make: Make[T]
) -> list[T]:
    """Gather some partitions in this process."""
    return asyncio.run(_gathered(planned, numbers, on_progress, make))


async def _gathered(
    planned: Plan, numbers: Sequence[int], on_progress: Callable[[int], None], make: Make[T]
) -> list[T]:
    gathering = await make(planned, numbers)
    connection = planned.settings.connection()
    for one in gathering.values():
        one.leave_out(connection.veil.erasures())
    consumer = AIOKafkaConsumer(
        **connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        await _gather_all(consumer, gathering, planned, connection, on_progress)
    finally:
        await consumer.stop()
    return [one.done() for one in gathering.values()]


async def _gather_all(
    consumer: AIOKafkaConsumer,
    gathering: Mapping[int, Gathering[T]],
    planned: Plan,
    connection: Connection,
    on_progress: Callable[[int], None],
) -> None:
    places = [TopicPartition(topic, number) for number in gathering for topic in (INPUT, *RECORDED)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    await _seek(consumer, places, planned, ends, connection.archive)
    archived = _archived(planned, gathering, connection)
    untold, reached, moved = 0, 0, time.monotonic()
    while places:
        moved = time.monotonic() if _offer_archived(archived, gathering) else moved
        wanted = [
            place
            for place in places
            if gathering[place.partition].wants(place.topic) and not _in_archive(place, archived)
        ]
        batches = await asyncio.wait_for(
            consumer.getmany(*wanted, timeout_ms=200, max_records=4_000), connection.limits.request_timeout
        )
        for place, records in batches.items():
            shown = [readable(connection.veil, record) for record in records]
            gathering[place.partition].offer(place.topic, shown)
        before, reached = reached, 0
        for place in [one for one in places if not _in_archive(one, archived)]:
            end = planned.range.last[place.partition] if place.topic == INPUT else ends[place]
            position = await consumer.position(place)
            reached += position
            if position >= end or not gathering[place.partition].needs(place.topic):
                gathering[place.partition].ended(place.topic)
                places.remove(place)
        if reached != before:
            moved = time.monotonic()
        elif time.monotonic() - moved > connection.limits.request_timeout:
            raise KafkaTimeoutError("Kafka stopped answering while what was recorded was read")
        untold += sum(one.work() for one in gathering.values())
        if untold >= _REPORT:
            on_progress(untold)
            untold = 0
    on_progress(untold)


def _archived(
    planned: Plan, gathering: Mapping[int, Gathering[T]], connection: Connection
) -> dict[int, Iterator[Sequence[Record]]]:
    """Return, by partition, the inputs of the range that were taken out of Kafka."""
    archive = connection.archive
    if archive is None:
        return {}
    starts = {number: 0 if planned.rebuild else planned.range.first[number] for number in gathering}
    return {
        number: archive.read(INPUT, number, start)
        for number, start in starts.items()
        if start < archive.end(INPUT, number)
    }


def _offer_archived(
    archived: dict[int, Iterator[Sequence[Record]]], gathering: Mapping[int, Gathering[T]]
) -> bool:
    """Hand over more of what is archived where it is wanted; say whether there was any."""
    moved = False
    for number in list(archived):
        while number in archived and gathering[number].wants(INPUT):
            records = next(archived[number], None)
            moved = True
            if records is None:
                del archived[number]
            else:
                gathering[number].offer(INPUT, records)
    return moved


def _in_archive(place: TopicPartition, archived: Mapping[int, object]) -> bool:
    return place.topic == INPUT and place.partition in archived


async def _seek(
    consumer: AIOKafkaConsumer,
    places: Sequence[TopicPartition],
    planned: Plan,
    ends: Mapping[TopicPartition, int],
    archive: Archive | None,
) -> None:
    """Go to where the range begins; what was recorded of it was written later, but for different clocks."""
    since = max(planned.since_ms - _MARGIN_MS, 0)
    found = await consumer.offsets_for_times({place: since for place in places if place.topic != INPUT})
    for place in places:
        archived = 0 if archive is None else archive.end(place.topic, place.partition)
        if archived and place.topic == INPUT:
            first = 0 if planned.rebuild else planned.range.first[place.partition]
            consumer.seek(place, max(first, archived))
        elif planned.rebuild or (place.topic != INPUT and since == 0):
            await consumer.seek_to_beginning(place)
        elif place.topic == INPUT:
            consumer.seek(place, planned.range.first[place.partition])
        else:
            at = found.get(place)
            consumer.seek(place, ends[place] if at is None else at.offset)


def _with(found: Recorded, topic: str, record: Record) -> Recorded:
    match topic:
        case topics.DECISIONS:
            return found._replace(decision=record.value)
        case topics.DEAD_LETTERS:
            return found._replace(refused=record.value)
        case _:
            if (OUTCOME_HEADER, b"duplicate") in record.headers:
                return found._replace(duplicate=True)
            return found
