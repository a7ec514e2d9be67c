"""What a role must write and remember, given what stands on its inputs: its handler, worked again in memory.

Time stood still for the workers, once while the day was fed, and once, later, when everything was worked: the
turn. What stood on the topics at the turn was worked at the first instant, all else at the second one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from l233.rehearsal_memory import Memory
from streaming import parking
from streaming.clock import Stamped
from streaming.handling import Role
from streaming.parking import Retry, Waiting
from streaming.records import Record, Result, TimedHandler
from streaming.store import RESERVED
from streaming.timers import Timer, due_at

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Times:
    """The two instants (milliseconds), and where each topic ended at the turn."""

    first: int
    second: int
    turned: Mapping[Place, int]

    def is_late(self, record: Record) -> bool:
        """Say whether a record came after the turn."""
        return record.offset >= self.turned.get((record.topic, record.partition), 0)

    def stamped(self, record: Record) -> Record:
        """Return a record as the handler saw it."""
        return Stamped(
            record.topic,
            record.partition,
            record.offset,
            self.second if self.is_late(record) else self.first,
            record.key,
            record.value,
            record.headers,
        )


@dataclass(slots=True)
class Lane:
    """One role at one partition number, without Kafka."""

    role: Role
    remembered: dict[bytes, bytes] = field(default_factory=dict)
    """What it must remember, the delivery's own keys apart."""
    _memory: Memory = field(init=False)
    _waiting: Waiting = field(init=False)
    _timers: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._memory = Memory(lambda key: heappush(self._timers, key))
        self._waiting = Waiting(self.role.awaited)

    def work(self, record: Record) -> Iterator[Result]:
        """Yield what a record causes: its dead letter if the handler fails on it, its parking if it waits."""
        for result in self._waiting.worked(record, self._memory, record.timestamp, self._worked):
            yield self._took(result)

    def _worked(self, record: Record) -> Result:
        try:
            return self.role.handler(record, self._memory)
        except Retry:
            raise
        except Exception as error:  # isolated as in a lane
            return Result(self.role.dead_letter(record, error))

    def until(self, at_ms: int) -> Iterator[Result]:
        """Fire what is due by an instant, in order; return what each timer causes."""
        while self._timers and due_at(self._timers[0]) <= at_ms:
            key = heappop(self._timers)
            value = self._memory.get(key)
            if value is None:
                continue  # cancelled since, or set twice
            self._took(Result(writes={key: None}))
            timer = Timer.read(key, value)
            parked = parking.owner(timer.name)
            if parked is not None:
                yield from map(self._took, self._waiting.again(parked, self._memory, at_ms, self._worked))
                continue
            if not isinstance(self.role.handler, TimedHandler):
                raise TypeError(f"{self.role.name} set a timer and takes none")
            yield self._took(self.role.handler.due(timer, self._memory))

    def _took(self, result: Result) -> Result:
        self._memory.take(result.writes)
        for key, value in result.writes.items():
            if key.startswith(RESERVED):
                continue
            if value is None:
                self.remembered.pop(key, None)
            else:
                self.remembered[key] = value
        return result
