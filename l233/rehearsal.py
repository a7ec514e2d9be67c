"""The whole system in memory on a virtual clock: production's own handlers, with neither Kafka nor Faust.

Every role has its state; what it writes goes to the roles that read it, until nothing is left, before time
moves on. Inputs are taken in the order of their time, those of one time in the order of their lines. Timers
fire at their own instant: before the inputs of any later one, after the inputs of the same one.
"""

import gc
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby
from json.encoder import encode_basestring as quoted
from logging import CRITICAL
from operator import attrgetter
from typing import Final, NamedTuple

import structlog

from agents.intake import ROLE as INTAKE
from l233.rehearsal_memory import Memory
from schemas.envelope import CONTENT_TYPE, PREFIX, Headers
from schemas.events import TYPE_PREFIX, type_of
from schemas.records import DEAD_LETTER, RECEIPT
from schemas.refusal import Violation
from schemas.topics import ACKNOWLEDGEMENTS, DEAD_LETTERS, OUTCOMES, RECEIPTS
from streaming import parking
from streaming.handling import PUT_OFF_MS, Role
from streaming.parking import Retry, Waiting
from streaming.records import Later, Output, Record, Result, TimedHandler
from streaming.timers import Timer, due_at, timer_key

EMITTED: Final = frozenset({ACKNOWLEDGEMENTS, OUTCOMES})
"""The topics of what l233 emits."""
OWN_SOURCE: Final = "urn:l233:"
"""What others say is on these topics too; what l233 says itself has a source that begins so."""
_OWN: Final = OWN_SOURCE.encode()

STEPS: Final = (
    "acknowledgement.registered",
    "acknowledgement.forwarded",
    "acknowledgement.received",
    "acknowledgement.refused",
    "social-aid.instructed",
    "social-aid.referred",
    "social-aid.paid",
    "rights.recorded",
    "rights.mismatch",
    "entitlement.updated",
    "radiation.answered",
    "acknowledgement.reported",
    "acknowledgement.settled",
    "deadline.near",
    "deadline.missed",
    "escalation.raised",
)
"""The order in which an organism's events of one instant, line and case are told; others come after these."""
_AFTER_ALL: Final = float("inf")
_STEP: Final[Mapping[bytes, int]] = {type_of(name).encode(): at for at, name in enumerate(STEPS)}


class Held(NamedTuple):
    """A record as it would lie on a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Input(NamedTuple):
    """An event of the file: its line from 1, its instant (milliseconds since the epoch), and its record.

    `id` and `name` (such as `contribution.paid`) are None where they can't be read.
    """

    line: int
    at_ms: int
    id: str | None
    name: str | None
    record: Record


class _Members(dict[tuple[str, bytes], str]):
    """Headers as members of JSON: what one input causes has most of them in common."""

    def __missing__(self, header: tuple[str, bytes]) -> str:
        name, value = header
        told = "datacontenttype" if name == CONTENT_TYPE else name.removeprefix(PREFIX)
        member = f'"{told}":{quoted(value.decode())}'
        if name == _ID:  # no two have it in common
            return member
        if len(self) >= _MEMBERS:
            self.clear()
        self[header] = member
        return member


_ID: Final = PREFIX + "id"
_MEMBERS: Final = 8_192
_member: Final = _Members().__getitem__


class Emitted(NamedTuple):
    """An event that l233 emits. There are many for each input: it stays packed until somebody asks."""

    place: tuple[float, bytes, bytes, int]
    """Where it is told among those of its instant: line, case, organism, step."""
    headers: Headers
    payload: bytes

    @property
    def attributes(self) -> dict[str, str]:
        """Its CloudEvents attributes."""
        return {name[3:]: value.decode() for name, value in self.headers if name.startswith(PREFIX)}

    @property
    def name(self) -> str:
        """The event's name, such as `rights.recorded`."""
        return self.attributes["type"].removeprefix(TYPE_PREFIX).rpartition(".")[0]


_BY_FIRST: Final = b'{"organism":"'


def _organism(payload: bytes) -> bytes:
    """Return whose word it is: mostly the first that the data say, and then nothing is parsed."""
    if payload.startswith(_BY_FIRST):
        start = len(_BY_FIRST)
        return payload[start : payload.index(b'"', start)]
    return str(json.loads(payload).get("organism", "")).encode()


class Refused(NamedTuple):
    """An input that is refused: by intake's dead letter, or by another role's receipt.

    A record on which a role failed counts, with the reason `unexpected`.
    """

    line: int | None
    role: str
    reason: str
    errors: tuple[Violation, ...]


@dataclass(slots=True)
class Moment:
    """All that happens at one instant: the inputs taken, what is emitted, in order, and what is refused."""

    at_ms: int
    taken: list[Input] = field(default_factory=list)
    emitted: list[Emitted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    failed_timers: list[str] = field(default_factory=list)
    """One line for each timer on which its role failed."""

    def told(self) -> list[Emitted]:
        """Return what is emitted, in the order in which it is told."""
        return sorted(self.emitted, key=_place) if len(self.emitted) > 1 else self.emitted

    def as_json(self) -> str:
        """Return what is emitted in that order: a line of structured JSON for each event."""
        return "".join(
            [
                f'{{{",".join(map(_member, headers))},"data":{payload.decode()}}}\n'
                for _, headers, payload in self.told()
            ]
        )


_place: Final = attrgetter("place")


@dataclass(frozen=True, slots=True)
class _Part:
    """A role with its state."""

    role: Role
    memory: Memory
    waiting: Waiting

    def work(self, record: Record) -> Result:
        """Return what a record causes, or, if the handler fails on it, its dead letter. Raises Retry."""
        try:
            return self.role.handler(record, self.memory)
        except Retry:
            raise
        except Exception as error:  # isolation, as in a lane
            return Result(self.role.dead_letter(record, error))


@dataclass(slots=True)
class _Topic:
    """What becomes of what is written to a topic."""

    show: Callable[[_Part, Output], None] | None = None
    """Tells of it; None for most topics, of which nothing is told."""
    readers: list[_Part] = field(default_factory=list)
    end: int = 0
    """The offset of the next record."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the agents from logging: what they would tell is told anyway; and collect garbage rarely.

    What is remembered stays, and nothing here makes cycles. Garbage is collected rarely ever after: to return
    to the usual would look through all that is remembered at once, a tenth of the time that a day takes.
    """
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    gc.set_threshold(1_000_000, 50, 100)
    try:
        yield
    finally:
        structlog.configure(**before)


class Rehearsal:
    """Every role, its state, and what is due."""

    def __init__(self, roles: Sequence[Role], on_record: Callable[[Held], None] | None = None) -> None:
        """Begin with nothing known, of the roles given; `on_record` is told everything that they write."""
        self._on_record: Final = on_record
        self._due: list[tuple[int, int, bytes]] = []
        """Instant, number of the role, key of the timer: a heap. A timer that was cancelled stays in it."""
        self._parts: Final = [
            _Part(role, self._memory(number), Waiting(role.awaited)) for number, role in enumerate(roles)
        ]
        self._topics: Final[dict[str, _Topic]] = defaultdict(_Topic)
        for topic in EMITTED:
            self._topics[topic].show = self._emit
        self._topics[DEAD_LETTERS].show = self._show_dead_letter
        self._topics[RECEIPTS].show = self._show_receipt
        for part in self._parts:
            for topic in part.role.inputs:
                self._topics[topic].readers.append(part)
        self.latest: Final[dict[str, Output | Later]] = {}
        """What was last written to each compacted topic, whatever its key."""
        self._queue: Final[deque[tuple[Record, list[_Part]]]] = deque()
        """Records, and who is to read them."""
        self._lines: Final[dict[tuple[bytes | None, str], int]] = {}
        """Worker and id of every input taken, and its first line."""
        self._moment = Moment(0)
        self._line: int | None = None

    def _memory(self, number: int) -> Memory:
        return Memory(lambda key: heappush(self._due, (due_at(key), number, key)))

    def run(self, inputs: Iterable[Input], until_ms: int | None = None) -> Iterator[Moment]:
        """Take inputs, which stand in the order of their instants, and let time pass until the end.

        The end is `until_ms`, and inputs after it are not taken; without it, the last input's instant.
        """
        for at_ms, taken in groupby(inputs, key=lambda one: one.at_ms):
            if until_ms is not None and at_ms > until_ms:
                break
            yield from self._pass(at_ms - 1)
            self._moment = Moment(max(at_ms, self._moment.at_ms))
            for one in taken:
                self._take(one)
            self._fire(self._moment.at_ms)
            yield self._moment
        if until_ms is not None:
            yield from self._pass(until_ms)

    def _pass(self, until_ms: int) -> Iterator[Moment]:
        """Let time pass up to an instant, that one included."""
        while self._due and self._due[0][0] <= until_ms:
            self._moment = Moment(max(self._due[0][0], self._moment.at_ms))
            if self._fire(self._moment.at_ms):
                yield self._moment

    def _take(self, one: Input) -> None:
        self._moment.taken.append(one)
        self._line = one.line
        self._queue.append((one.record, self._topics[one.record.topic].readers))
        if one.id is not None:
            self._lines.setdefault((one.record.key, one.id), one.line)
        self._cascade()

    def _cascade(self) -> None:
        """Hand records to the roles that read them, until none is left."""
        queue = self._queue
        while queue:
            record, readers = queue.popleft()
            for part in readers:
                self._work(part, record)

    def _work(self, part: _Part, record: Record) -> None:
        """Take what a record causes; park it when it can't be worked now, or others of its key wait."""
        if not part.waiting.keys:  # as nearly always
            try:
                result = part.work(record)
            except Retry as retry:
                result = part.waiting.parked(record, retry, part.memory, self._moment.at_ms)
            self._apply(part, result)
            return
        for result in part.waiting.worked(record, part.memory, self._moment.at_ms, part.work):
            self._apply(part, result)

    def _fire(self, until_ms: int) -> bool:
        """Fire what is due, the earliest first; say whether anything was."""
        fired = False
        while self._due and self._due[0][0] <= until_ms:
            _, number, key = heappop(self._due)
            part = self._parts[number]
            value = part.memory.get(key)
            if value is None:
                continue
            fired = True
            self._line = None
            part.memory.take({key: None})
            self._fire_one(part, Timer.read(key, value))
            self._cascade()
        return fired

    def _fire_one(self, part: _Part, timer: Timer) -> None:
        waiting = parking.owner(timer.name)
        if waiting is not None:
            for result in part.waiting.again(waiting, part.memory, self._moment.at_ms, part.work):
                self._apply(part, result)
            return
        handler = part.role.handler
        if not isinstance(handler, TimedHandler):
            raise TypeError(f"{part.role.name} has a timer but takes none")
        try:
            self._apply(part, handler.due(timer, part.memory))
        except Retry as retry:
            later = timer_key(self._moment.at_ms + (retry.after_ms or PUT_OFF_MS), timer.name)
            part.memory.take({later: timer.value})
        except Exception as error:  # told; in production it would be put off again and again
            self._moment.failed_timers.append(f"{part.role.name}: {type(error).__name__}: {error}")

    def _apply(self, part: _Part, result: Result) -> None:
        if result.writes:
            part.memory.take(result.writes)
        if result.outputs:
            self._put(part, result.outputs)
        for latest in result.latest:
            self.latest[latest.topic] = latest
            if self._topics[latest.topic].readers or self._on_record is not None:
                self._put(part, [latest.output() if isinstance(latest, Later) else latest])

    def _refuse(self, part: _Part, reason: str, errors: tuple[Violation, ...]) -> None:
        self._moment.refused.append(Refused(self._line, part.role.name, reason, errors))

    def _put(self, part: _Part, outputs: Sequence[Output]) -> None:
        """Show what outputs say, and lay them before those who read them."""
        now, topics = self._moment.at_ms, self._topics
        for output in outputs:
            name, key, value, headers, partition = output
            topic = topics[name]
            if topic.show is not None:
                topic.show(part, output)
            if topic.readers or self._on_record is not None:
                record = Held(name, partition or 0, topic.end, now, key, value, headers)
                topic.end += 1
                self._queue.append((record, topic.readers))
                if self._on_record is not None:
                    self._on_record(record)

    def _emit(self, _: _Part, output: Output) -> None:
        said = dict(output.headers)
        if not said["ce_source"].startswith(_OWN):
            return
        line = self._line
        if line is None:
            line = self._lines.get((output.key, said.get("ce_causationid", b"").decode()))
        payload = output.value or b"{}"
        place = (
            _AFTER_ALL if line is None else line,
            said.get("ce_correlationid", b""),
            _organism(payload),
            _STEP.get(said["ce_type"], len(STEPS)),
        )
        self._moment.emitted.append(Emitted(place, output.headers, payload))

    def _show_dead_letter(self, part: _Part, output: Output) -> None:
        letter = DEAD_LETTER.validate_json(output.value or b"")
        self._refuse(part, letter.reason, letter.errors)

    def _show_receipt(self, part: _Part, output: Output) -> None:
        """Tell of a refusal; what intake refuses has a dead letter, too."""
        if part.role.name == INTAKE:
            return
        receipt = RECEIPT.validate_json(output.value or b"")
        if receipt.verdict == "refused":
            self._refuse(part, receipt.reason or "", receipt.errors)
