"""Recomputes from what stands on the inputs what must stand on every topic, and counts what does not.

Intake and the organisms read one topic each, so their handlers, worked again over it in order, give every
record and all of their memory to the byte. Cases and quality read three, in an order that no topic tells:
what they remember is compared as facts, whatever their order. Handlers worked again say nothing about the
handlers themselves: what a case must be is also computed from its raw records (`bench.faults.cases`), and
figures are held to a computation of their own in `tests/broker/test_quality.py`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from agents.emission import INPUT_HEADER, REKEYED_HEADER
from agents.roles import ORGANISMS, load_world, roles
from bench.faults.cases import Cases
from bench.faults.remembered import Counted, Remembered, cases_remember, quality_remembers, quality_told
from bench.faults.replayed import Lane, Place, Times
from bench.faults.tally import Fact, Order, Tally
from coordination.conservation import Ledger
from coordination.quality_facts import TOPICS as COUNTED
from schemas.topics import INPUT
from streaming.client import Connection
from streaming.reading import reader
from streaming.records import Later, Output, Record, Result
from streaming.topics import Registry

_CASES: Final = "l233.cases"
_QUALITY: Final = "l233.quality"
_ALONE: Final = ("intake", *(organism.agent for organism in ORGANISMS))
"""Roles with one input."""
AUDITED: Final = (*_ALONE, "cases", "quality")
"""The roles that are audited; what seals their records proves itself (`l233 audit verify`)."""


@dataclass(slots=True)
class Audit:
    """Takes every committed record of every topic, topic by topic, each partition in order; then finishes."""

    registry: Registry
    times: Times
    tally: Tally = field(default_factory=Tally)
    order: Order = field(default_factory=Order)
    ledger: Ledger = field(init=False)
    published: int = 0
    """Input records that a producer put there: those that intake put back are not counted."""
    last: dict[Place, int] = field(default_factory=dict)
    """Offset of the last record of each place."""
    _lanes: dict[tuple[str, int], Lane] = field(default_factory=dict)
    _reader: dict[str, str] = field(default_factory=dict)
    """The role with one input that reads a topic."""
    _late: list[Record] = field(default_factory=list)
    """What `cases` read after the turn."""
    _counted: "defaultdict[tuple[bool, int], Counted]" = field(default_factory=lambda: defaultdict(Counted))
    """What quality is to count: whether it came after the turn, and the lane."""
    _computed: Cases = field(init=False)
    _expected: dict[tuple[int, bytes], bytes | None] = field(default_factory=dict)
    _latest: dict[tuple[str, int, bytes | None], bytes | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = load_world(self.registry)
        self.ledger = Ledger(self.registry.partitions)
        self._computed = Cases(self.times.second)
        for number in range(self.registry.partitions):
            for role in roles((*_ALONE, "cases"), world):
                self._lanes[role.name, number] = Lane(role)
        self._reader = {self.registry.roles[name].inputs[0]: name for name in _ALONE}

    def topics(self) -> Sequence[str]:
        """Return the topics to read, in this order."""
        written = {topic for name in AUDITED for topic in self.registry.roles[name].outputs}
        first = (*self._reader, *COUNTED)
        return (*first, *sorted(written - {*first}))

    def take(self, record: Record) -> None:
        """Take one record."""
        self.ledger.take(record)
        self.last[record.topic, record.partition] = record.offset
        if record.topic in (_CASES, _QUALITY):
            self._latest[record.topic, record.partition, record.key] = record.value
            return
        headers = dict(record.headers)
        if record.topic != INPUT or REKEYED_HEADER in headers:
            self._found(record, headers)
        else:
            self.published += 1
        if name := self._reader.get(record.topic):
            self._work(self._lanes[name, record.partition], record)
        if record.topic in COUNTED:
            late = self.times.is_late(record)
            self._computed.take(record)
            self._counted[late, record.partition].take(record)
            if late:
                self._late.append(record)
            else:
                self._work(self._lanes["cases", record.partition], record)

    def finish(self) -> None:
        """Let time pass to the end, once everything has been taken."""
        for (_, number), lane in self._lanes.items():
            self._fire(lane, number)
        for record in self._late:
            self._work(self._lanes["cases", record.partition], record)
        for (_, number), lane in self._lanes.items():
            self._fire(lane, number)

    # -- what must be there -----------------------------------------------------------------------

    def _work(self, lane: Lane, record: Record) -> None:
        if self.times.is_late(record):
            self._fire(lane, record.partition)
        for result in lane.work(self.times.stamped(record)):
            self._expect(result, record.partition)

    def _fire(self, lane: Lane, number: int) -> None:
        for result in lane.until(self.times.second):
            self._expect(result, number)

    def _expect(self, result: Result, number: int) -> None:
        for output in result.outputs:
            partition = number if output.partition is None else output.partition
            self.tally.expect(_fact(output, partition))
        for latest in result.latest:
            output = latest.output() if isinstance(latest, Later) else latest
            self._expected[number, output.key or b""] = output.value

    # -- what is there ----------------------------------------------------------------------------

    def _found(self, record: Record, headers: Mapping[str, bytes]) -> None:
        self.tally.found(_fact(record, record.partition))
        if INPUT_HEADER not in headers:
            return
        lane, _, offset = headers[INPUT_HEADER].decode().partition("/")
        if int(lane) != record.partition:
            self.order.broken += 1
        if worker := headers.get("ce_subject"):
            self.order.take(record.topic, record.partition, worker, int(offset))

    # -- what follows -----------------------------------------------------------------------------

    def remembered(self) -> Mapping[str, Mapping[int, Remembered]]:
        """Return what every role must remember, by lane."""
        found: defaultdict[str, dict[int, Remembered]] = defaultdict(dict)
        for (name, number), lane in self._lanes.items():
            found[name][number] = cases_remember(lane.remembered) if name == "cases" else lane.remembered
        for number in range(self.registry.partitions):
            before, late = self._counted[False, number], self._counted[True, number]
            found["quality"][number] = quality_remembers(before, late)
        return found

    def wrong_cases(self) -> Sequence[str]:
        """Return the cases whose latest record is not what their messages make, worked again or computed."""
        found = {
            (number, key or b""): value
            for (topic, number, key), value in self._latest.items()
            if topic == _CASES
        }
        wrong = {
            place: "not what its messages make"
            for place in found.keys() | self._expected.keys()
            if found.get(place) != self._expected.get(place)
        }
        wrong.update(self._computed.wrong(found))
        return [f"case {key!r} in partition {number}: {what}" for (number, key), what in wrong.items()]

    def wrong_figures(self) -> Sequence[str]:
        """Return the figures of ended periods that the role quality did not tell as they were."""
        found = [value for (topic, _, _), value in self._latest.items() if topic == _QUALITY]
        numbers = range(self.registry.partitions)
        before = [self._counted[False, number] for number in numbers]
        late = [self._counted[True, number] for number in numbers]
        return quality_told(found, before, late, self.times.second)


def _fact(record: Record | Output, partition: int) -> Fact:
    """Return what identifies a record: where it lies, its id, and a digest of all that it says."""
    digest = blake2b(repr((record.key, record.value, [tuple(one) for one in record.headers])).encode())
    id_ = next((value for name, value in record.headers if name == "ce_id"), b"").decode()
    return f"{record.topic} {partition} {id_} {digest.hexdigest()[:16]}"


async def read(audit: Audit, connection: Connection) -> None:
    """Let an audit take everything that is committed now, and finish."""
    async with reader(connection) as source:
        ends = await source.ends(await source.places(audit.topics()))
        for topic in audit.topics():
            async for batch in source.read({place: end for place, end in ends.items() if place[0] == topic}):
                for record in batch:
                    audit.take(record)
    audit.finish()
