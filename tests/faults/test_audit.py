"""The auditor of the fault runs is seen to find what it looks for: a run that counts 0 means something."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

import pytest

from agents.roles import load_world, roles
from bench.faults.audit import AUDITED, Audit
from bench.faults.experiment import FIRST, SECOND
from bench.faults.remembered import cases_remember, quality_kept
from bench.faults.replayed import Lane, Place, Times
from coordination.case_facts import Said
from coordination.case_parts import Part, answered
from coordination.partitioning import partition_of
from l233.day import generate
from schemas.topics import INPUT
from streaming.records import Later, Output, Result
from streaming.topics import Registry
from tests.unit.agents.records import Kept

REGISTRY = Registry.load()
EVENTS = 400


class Bus:
    """Topics and lanes in memory: every role works every record once, in order; then a month passes."""

    def __init__(self) -> None:
        self._lanes = {
            (role.name, number): Lane(role)
            for number in range(REGISTRY.partitions)
            for role in roles(AUDITED, load_world(REGISTRY))
        }
        self._next: defaultdict[Place, int] = defaultdict(int)
        self._now = _milliseconds(FIRST)
        self.turned: dict[Place, int] = {}
        self.records: list[Kept] = []

    @property
    def times(self) -> Times:
        """When the records were worked."""
        return Times(_milliseconds(FIRST), _milliseconds(SECOND), self.turned)

    def put(self, output: Output, partition: int) -> Kept:
        """Append a record to a topic."""
        offset = self._next[output.topic, partition]
        self._next[output.topic, partition] += 1
        headers = tuple(output.headers)
        record = Kept(output.topic, output.value, headers, output.key, partition, offset, self._now)
        self.records.append(record)
        return record

    def work(self, records: Iterable[Kept]) -> None:
        """Let the roles work records, and what follows from them, until nothing follows."""
        todo = list(records)
        for record in todo:
            for (_, number), lane in self._lanes.items():
                if number == record.partition and record.topic in lane.role.inputs:
                    for result in lane.work(record):
                        todo.extend(self._written(result, number))

    def turn(self) -> None:
        """Let a month pass."""
        self.turned = dict(self._next)
        self._now = _milliseconds(SECOND)
        for (_, number), lane in self._lanes.items():
            for result in lane.until(self._now):
                self.work(self._written(result, number))

    def _written(self, result: Result, number: int) -> list[Kept]:
        latest = [one.output() if isinstance(one, Later) else one for one in result.latest]
        return [
            self.put(output, number if output.partition is None else output.partition)
            for output in (*result.outputs, *latest)
        ]

    def memory(self, name: str, number: int) -> dict[bytes, bytes]:
        """Return what a lane remembers."""
        return self._lanes[name, number].remembered


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def worked(events: int) -> Bus:
    """Work a short day, with everything that is planted in it, and the month behind it, without a fault."""
    bus = Bus()
    for record in generate(1, events, date(2026, 3, 2)):
        number = record.partition
        if number is None:
            number = partition_of(record.key or b"", REGISTRY.partitions)
        bus.work([bus.put(Output(INPUT, record.key, record.value, record.headers), number)])
    bus.turn()
    return bus


@pytest.fixture(scope="module")
def bus() -> Bus:
    """Work the day that all tests look at."""
    return worked(EVENTS)


def audited(bus: Bus, records: Sequence[Kept] | None = None) -> Audit:
    """Return an audit of these records, of all without any, topic by topic."""
    audit = Audit(REGISTRY, bus.times)
    order = audit.topics()
    given = bus.records if records is None else records
    for record in sorted(given, key=lambda one: order.index(one.topic)):
        audit.take(record)
    audit.finish()
    return audit


def counted(audit: Audit) -> dict[str, int]:
    """Return what an audit counts."""
    account = audit.ledger.account()
    return {
        "lost": audit.tally.lost,
        "duplicated": audit.tally.duplicated,
        "out_of_order": audit.order.broken,
        "residual": account.total.residual + account.unanswered,
        "cases": len(audit.wrong_cases()),
        "figures": len(audit.wrong_figures()),
    }


def without(bus: Bus, gone: Kept) -> list[Kept]:
    """Return all records but one."""
    return [one for one in bus.records if one is not gone]


def test_a_day_and_a_month_without_a_fault_have_nothing_wrong(bus: Bus) -> None:
    """Every record that should be there is there once, in order, and all memories are what they must be."""
    audit = audited(bus)
    assert set(counted(audit).values()) == {0}, audit.tally.examples()
    assert audit.published == EVENTS
    remembered = audit.remembered()
    for number in range(REGISTRY.partitions):
        for name in ("intake", "cpam", "urssaf", "carsat", "cgss", "cnam", "cnav", "acoss"):
            assert remembered[name][number] == bus.memory(name, number), name
        assert remembered["cases"][number] == cases_remember(bus.memory("cases", number))
        assert remembered["quality"][number] == quality_kept(bus.memory("quality", number))


def test_the_month_holds_what_the_clock_says_and_what_comes_of_a_day(bus: Bus) -> None:
    """Rights, entitlements, deadlines, escalations, figures: a run that counts 0 has counted them."""
    said = Counter(dict(one.headers).get("ce_type", b"").decode() for one in bus.records)
    for name in ("rights.recorded", "entitlement.updated", "deadline.near", "deadline.missed"):
        assert said[f"fr.l233.{name}.v1"] > 0, name
    for name in ("escalation.raised", "acknowledgement.settled", "quality.measured"):
        assert said[f"fr.l233.{name}.v1"] > 0, name


@pytest.mark.parametrize(
    "topic",
    ["l233.decisions", "l233.receipts", "l233.inbox.urssaf", "l233.dead-letters", "l233.outcomes"],
)
def test_one_lost_record_is_found(bus: Bus, topic: str) -> None:
    """Wherever it is missing; what an organism did not get, it did not answer either."""
    gone = [one for one in bus.records if one.topic == topic][3]
    assert audited(bus, without(bus, gone)).tally.lost > 0


@pytest.mark.parametrize(
    "topic", ["l233.decisions", "l233.receipts", "l233.acknowledgements", "l233.outcomes"]
)
def test_one_record_that_stands_twice_is_found(bus: Bus, topic: str) -> None:
    """Wherever it is repeated: a timer that fired twice would be one."""
    twice = [one for one in bus.records if one.topic == topic][-3]
    assert audited(bus, [*bus.records, replace(twice, offset=10**6)]).tally.duplicated == 1


def test_a_record_that_says_something_else_is_found(bus: Bus) -> None:
    """The same id with another content is one lost and one too many."""
    one = [one for one in bus.records if one.topic == "l233.receipts"][5]
    other = replace(one, value=(one.value or b"") + b" ")
    found = counted(audited(bus, [*without(bus, one), other]))
    assert (found["lost"], found["duplicated"]) == (1, 1)


def test_a_lost_acknowledgement_is_missed_on_the_topic_by_the_ledger_and_in_its_case(bus: Bus) -> None:
    """Independent counts see it."""
    gone = next(one for one in bus.records if dict(one.headers).get("ce_source") == b"urn:l233:cpam")
    found = counted(audited(bus, without(bus, gone)))
    assert found["lost"] >= 1
    assert (found["residual"], found["cases"]) == (1, 1)


def test_an_input_record_that_ended_nowhere_is_a_residual(bus: Bus) -> None:
    """A decision that is missing leaves its input record without an end."""
    gone = next(one for one in bus.records if one.topic == "l233.decisions")
    assert counted(audited(bus, without(bus, gone)))["residual"] == 1


@pytest.mark.parametrize("topic", ["l233.decisions", "l233.receipts"])
def test_two_records_of_a_worker_in_the_wrong_order_are_found(bus: Bus, topic: str) -> None:
    """Exchanged, they are all there, and one stands behind a later one."""
    by_worker: defaultdict[bytes, list[Kept]] = defaultdict(list)
    for one in bus.records:
        if one.topic == topic and one.key is not None:
            by_worker[one.key].append(one)
    first, second = next(ones for ones in by_worker.values() if len(ones) > 1)[:2]
    exchanged = {id(first): second, id(second): first}
    found = counted(audited(bus, [exchanged.get(id(one), one) for one in bus.records]))
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 1)


def test_a_case_that_forgot_an_answer_is_found(bus: Bus) -> None:
    """Its latest record is an older one."""
    latest: dict[bytes | None, list[Kept]] = defaultdict(list)
    for one in bus.records:
        if one.topic == "l233.cases":
            latest[one.key].append(one)
    stale = next(ones for ones in latest.values() if len(ones) > 2 and ones[-1].value != ones[-2].value)
    assert len(audited(bus, without(bus, stale[-1])).wrong_cases()) == 1


def _drop(part: Part, said: Said) -> Part:
    return part if said.level == "reported" else answered(part, said)


def _repeat(part: Part, said: Said) -> Part:
    return answered(answered(part, said), said)


@pytest.mark.parametrize("handled", [_drop, _repeat])
def test_an_answer_that_the_handler_itself_drops_or_repeats_is_found(
    monkeypatch: pytest.MonkeyPatch, handled: Callable[[Part, Said], Part]
) -> None:
    """Worked again, the same handler makes the same mistake: only the raw records tell."""
    monkeypatch.setattr("coordination.cases.answered", handled)
    found = counted(audited(worked(60)))
    assert found.pop("cases") > 10
    assert set(found.values()) == {0}


def test_a_figure_that_was_not_told_is_found(bus: Bus) -> None:
    """The month ended, and one lane kept its sum to itself."""
    told = [one for one in bus.records if one.topic == "l233.quality"]
    gone = next(one for one in told if b"/received-in-time/" in (one.key or b""))
    assert len(audited(bus, [one for one in bus.records if one.key != gone.key]).wrong_figures()) == 1
