"""Replay: a range of the input is decided again and compared with what was recorded; nothing is touched.

A consumer of its own reads the input and what became of it side by side, partition by partition; nothing is
written, no group notices. Partitions are shared out over processes, and come together in their order, so that
the result does not depend on how many there are.
"""

import asyncio
import copyreg
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from queue import Empty, Queue
from types import MappingProxyType
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from agents.emission import INPUT_HEADER, OUTCOME_HEADER
from agents.world import World
from coordination.intake import Intake
from coordination.replaying import NOTHING, Compared, Difference, Recorded, compare, compared
from coordination.rulebook import Rulebook
from coordination.verdicts import InputRecord, Routed
from l233.errors import L233Error
from l233.reference import world
from l233.scheme_publishing import published_world
from l233.settings import Settings
from streaming.client import Connection
from streaming.reading import reader
from streaming.records import Record
from streaming.topics import INPUT

_DECISIONS: Final = "l233.decisions"
_DEAD_LETTERS: Final = "l233.dead-letters"
_RECEIPTS: Final = "l233.receipts"


_View = MappingProxyType[object, object]


def _view(of: dict[object, object]) -> _View:
    return MappingProxyType(of)


def _taken_apart(view: _View) -> tuple[Callable[..., _View], tuple[dict[object, object]]]:
    return _view, (dict(view),)


# A rulebook goes to another process whole, which a read-only view of a dict can't by itself.
copyreg.pickle(MappingProxyType, _taken_apart)

RECORDED: Final = (_DECISIONS, _DEAD_LETTERS, _RECEIPTS)
_BY_INTAKE: Final = b"urn:l233:intake"
_MARGIN_MS: Final = 3_600_000
"""How much earlier than an input its outcome may seem to be written: clocks of two machines differ."""
_AHEAD: Final = 4_000
"""Records of one topic that may wait for the others: what bounds the memory."""
_TOLD: Final = 100
"""Differences told one by one, of each partition."""
_REPORT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Different:
    """An input that is decided otherwise today, or of which the topics tell something else."""

    partition: int
    offset: int
    outcome: str
    rule: str
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class Part:
    """What came of one partition."""

    number: int
    counts: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    told: list[Different] = field(default_factory=list)
    digest: str = ""


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


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a replay. The same range gives the same digest, whoever computes it."""

    counts: Mapping[str, int]
    by_rule: Mapping[str, int]
    told: Sequence[Different]
    digest: str

    @property
    def events(self) -> int:
        """How many inputs were decided again."""
        return sum(self.counts.values()) - self.counts.get("extra", 0)

    @property
    def agrees(self) -> bool:
        """Whether everything is as it was."""
        return not any(self.counts.get(name, 0) for name in ("different", "missing", "extra"))


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


def replay(planned: Plan, processes: int, on_progress: Progress) -> Result:
    """Replay what was planned. Raises KafkaError, and L233Error when a process ends without an answer."""
    numbers = sorted(planned.range.first)
    shares = [numbers[at::processes] for at in range(min(processes, len(numbers)))]
    if len(shares) <= 1:
        parts = _share(planned, numbers, on_progress)
    else:
        parts = _in_processes(planned, shares, on_progress)
    parts.sort(key=lambda part: part.number)
    whole = sha256()
    for part in parts:
        whole.update(b"%d " % part.number + bytes.fromhex(part.digest))
    return Result(
        sum((part.counts for part in parts), Counter[str]()),
        sum((part.by_rule for part in parts), Counter[str]()),
        [one for part in parts for one in part.told],
        whole.hexdigest(),
    )


def _in_processes(planned: Plan, shares: Sequence[Sequence[int]], on_progress: Progress) -> list[Part]:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(len(shares), mp_context=context) as pool:
        queue = manager.Queue()
        futures = [pool.submit(_share, planned, share, queue.put) for share in shares]
        while not all(future.done() for future in futures):
            wait(futures, timeout=0.2)
            _drain(queue, on_progress)
        _drain(queue, on_progress)
        return [part for future in futures for part in future.result()]


def _drain(queue: "Queue[int]", on_progress: Progress) -> None:
    while True:
        try:
            on_progress(queue.get(block=False))
        except Empty:
            return


def _share(planned: Plan, numbers: Sequence[int], on_progress: Callable[[int], None]) -> list[Part]:
    """Replay some partitions in this process."""
    return asyncio.run(_replayed(planned, numbers, on_progress))


async def _replayed(planned: Plan, numbers: Sequence[int], on_progress: Callable[[int], None]) -> list[Part]:
    known = replace(world(planned.settings), rulebook=planned.rulebook)
    intake = _intake(known)
    comparing = {number: Comparing(number, planned, intake) for number in numbers}
    connection = planned.settings.connection()
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
        await _compare_all(consumer, comparing, planned, connection, on_progress)
    finally:
        await consumer.stop()
    return [one.done() for one in comparing.values()]


def _intake(known: World) -> Intake:
    return Intake(known.rulebook, known.directory, known.registry.allowed_sources, known.registry.partitions)


async def _compare_all(
    consumer: AIOKafkaConsumer,
    comparing: Mapping[int, "Comparing"],
    planned: Plan,
    connection: Connection,
    on_progress: Callable[[int], None],
) -> None:
    places = [TopicPartition(topic, number) for number in comparing for topic in (INPUT, *RECORDED)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    await _seek(consumer, places, planned, ends)
    untold, reached, moved = 0, 0, time.monotonic()
    while places:
        wanted = [place for place in places if comparing[place.partition].wants(place.topic)]
        batches = await asyncio.wait_for(
            consumer.getmany(*wanted, timeout_ms=200, max_records=4_000), connection.limits.request_timeout
        )
        for place, records in batches.items():
            comparing[place.partition].offer(place.topic, records)
        before, reached = reached, 0
        for place in list(places):
            end = planned.range.last[place.partition] if place.topic == INPUT else ends[place]
            position = await consumer.position(place)
            reached += position
            if position >= end or not comparing[place.partition].needs(place.topic):
                comparing[place.partition].ended(place.topic)
                places.remove(place)
        if reached != before:
            moved = time.monotonic()
        elif time.monotonic() - moved > connection.limits.request_timeout:
            raise KafkaTimeoutError("Kafka stopped answering while what was recorded was read")
        untold += sum(one.work() for one in comparing.values())
        if untold >= _REPORT:
            on_progress(untold)
            untold = 0
    on_progress(untold)


async def _seek(
    consumer: AIOKafkaConsumer,
    places: Sequence[TopicPartition],
    planned: Plan,
    ends: Mapping[TopicPartition, int],
) -> None:
    """Go to where the range begins; what was recorded of it was written later, but for different clocks."""
    since = max(planned.since_ms - _MARGIN_MS, 0)
    found = await consumer.offsets_for_times({place: since for place in places if place.topic != INPUT})
    for place in places:
        if planned.rebuild or (place.topic != INPUT and since == 0):
            await consumer.seek_to_beginning(place)
        elif place.topic == INPUT:
            consumer.seek(place, planned.range.first[place.partition])
        else:
            at = found.get(place)
            consumer.seek(place, ends[place] if at is None else at.offset)


class Comparing:
    """Brings the inputs of one partition together with what was recorded of each, as both come in."""

    def __init__(self, number: int, planned: Plan, intake: Intake) -> None:
        self._part = Part(number)
        self._first, self._last = planned.range.first[number], planned.range.last[number]
        self._worker = None if planned.worker is None else planned.worker.encode()
        self._intake = intake
        self._memory: dict[bytes, bytes] | None = {} if planned.rebuild else None
        self._inputs: deque[Record] = deque()
        self._recorded: Mapping[str, deque[tuple[int, Record]]] = {topic: deque() for topic in RECORDED}
        self._open = {INPUT, *RECORDED}
        self._digest = sha256()

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
        return int(offset) if int(partition) == self._part.number else None

    def work(self) -> int:
        """Compare every input of which everything that was recorded is here; return how many."""
        done = 0
        while self._inputs and self._complete(self._inputs[0].offset):
            record = self._inputs.popleft()
            self._compare(record, self._recorded_of(record.offset))
            done += 1
        if not self._inputs and INPUT not in self._open:
            self._drop_before(self._last)
        return done

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
                if topic != _RECEIPTS and (found.decision or found.refused) and self._of_worker(record):
                    self._count(offset, "extra", topic, ())  # one input, one outcome
                found = _with(found, topic, record)
        return found

    def _drop_before(self, offset: int) -> None:
        """Count what was recorded of inputs that are not there; what is before the range is no matter."""
        for topic, queue in self._recorded.items():
            while queue and queue[0][0] < offset:
                about, record = queue.popleft()
                if about >= self._first and topic != _RECEIPTS and self._of_worker(record):
                    self._count(about, "extra", topic, ())

    def _of_worker(self, record: Record) -> bool:
        return self._worker is None or record.key == self._worker

    def _compare(self, record: Record, recorded: Recorded) -> None:
        given = InputRecord(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            record.headers,
        )
        if self._memory is None:
            if not self._of_worker(record):
                return
            found = compare(given, recorded, self._intake)
        else:
            found = self._rebuilt(given, recorded, self._memory)
            if record.offset < self._first or not self._of_worker(record):
                return
        self._digest.update(b"%d %d " % (record.offset, len(found.said)) + found.said)
        self._count(record.offset, found.outcome, found.rule, found.differences)

    def _rebuilt(self, given: InputRecord, recorded: Recorded, memory: dict[bytes, bytes]) -> Compared:
        verdict = self._intake.judge(given, memory)
        if isinstance(verdict, Routed):
            memory.update(verdict.writes)
            return compared(verdict.decision, recorded)
        return compared(verdict, recorded)

    def _count(self, offset: int, outcome: str, rule: str, differences: tuple[Difference, ...]) -> None:
        self._part.counts[outcome] += 1
        if outcome == "identical":
            return
        self._part.by_rule[rule] += 1
        if len(self._part.told) < _TOLD:
            self._part.told.append(Different(self._part.number, offset, outcome, rule, differences))

    def done(self) -> Part:
        """Return what came of the partition."""
        if self._inputs:
            raise L233Error(f"partition {self._part.number}: what was recorded ended before the inputs did")
        self._part.digest = self._digest.hexdigest()
        return self._part


def _with(found: Recorded, topic: str, record: Record) -> Recorded:
    match topic:
        case "l233.decisions":
            return replace(found, decision=record.value)
        case "l233.dead-letters":
            return replace(found, refused=record.value)
        case _:
            if (OUTCOME_HEADER, b"duplicate") in record.headers:
                return replace(found, duplicate=True)
            return found
