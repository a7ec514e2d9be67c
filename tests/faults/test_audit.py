"""The auditor of the fault runs is seen to find what it looks for: a run that counts 0 means something."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import pytest

from agents.intake import ROLE
from agents.roles import load_world, roles
from bench.faults.audit import Audit
from coordination.partitioning import partition_of
from l233.day import generate
from streaming.records import Output
from streaming.topics import INPUT, Registry
from tests.unit.agents.records import Kept, Memory

REGISTRY = Registry.load()
EVENTS = 400


class Bus:
    """Topics and lanes in memory: every role works every record once, in order."""

    def __init__(self) -> None:
        self._roles = roles(REGISTRY.roles, load_world(REGISTRY))
        self._memory: defaultdict[tuple[str, int], Memory] = defaultdict(Memory)
        self._next: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.records: list[Kept] = []

    def put(self, output: Output, partition: int) -> Kept:
        """Append a record to a topic."""
        offset = self._next[output.topic, partition]
        self._next[output.topic, partition] += 1
        record = Kept(output.topic, output.value, tuple(output.headers), output.key, partition, offset)
        self.records.append(record)
        return record

    def work(self, records: Iterable[Kept]) -> None:
        """Let the roles work records, and what follows from them, until nothing follows."""
        todo = list(records)
        for record in todo:
            for role in self._roles:
                if record.topic in role.inputs:
                    todo.extend(self._worked(role.name, record))

    def _worked(self, name: str, record: Kept) -> list[Kept]:
        role = next(role for role in self._roles if role.name == name)
        memory = self._memory[name, record.partition]
        result = role.handler(record, memory)
        memory.kept.update({key: value for key, value in result.writes.items() if value is not None})
        return [
            self.put(output, record.partition if output.partition is None else output.partition)
            for output in (*result.outputs, *result.latest)
        ]

    def memory(self, name: str, number: int) -> dict[bytes, bytes]:
        """Return what a lane remembers."""
        return self._memory[name, number].kept


@pytest.fixture(scope="module")
def bus() -> Bus:
    """Work a short day, with everything that is planted in it, without a fault."""
    bus = Bus()
    for record in generate(1, EVENTS, date(2026, 3, 2)):
        number = record.partition
        if number is None:
            number = partition_of(record.key or b"", REGISTRY.partitions)
        bus.work([bus.put(Output(INPUT, record.key, record.value, record.headers), number)])
    return bus


def audited(records: Sequence[Kept]) -> Audit:
    """Return an audit of these records, topic by topic."""
    audit = Audit(REGISTRY)
    order = audit.topics()
    for record in sorted(records, key=lambda one: order.index(one.topic) if one.topic in order else -1):
        audit.take(record)
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
    }


def test_a_day_without_a_fault_has_nothing_wrong(bus: Bus) -> None:
    """Every record that should be there is there once, in order, and both memories are what they must be."""
    audit = audited(bus.records)
    assert set(counted(audit).values()) == {0}
    assert audit.published == EVENTS
    for number in range(REGISTRY.partitions):
        assert audit.intake[number] == bus.memory(ROLE, number)
        assert audit.cases()[number] == bus.memory("cases", number)


@pytest.mark.parametrize(
    "topic", ["l233.decisions", "l233.receipts", "l233.inbox.urssaf", "l233.dead-letters"]
)
def test_one_lost_record_is_found(bus: Bus, topic: str) -> None:
    """Wherever it is missing."""
    gone = [one for one in bus.records if one.topic == topic][3]
    assert audited([one for one in bus.records if one is not gone]).tally.lost == 1


@pytest.mark.parametrize(
    "topic", ["l233.decisions", "l233.receipts", "l233.inbox.cpam", "l233.acknowledgements"]
)
def test_one_record_that_stands_twice_is_found(bus: Bus, topic: str) -> None:
    """Wherever it is repeated."""
    twice = [one for one in bus.records if one.topic == topic][3]
    assert audited([*bus.records, replace(twice, offset=10**6)]).tally.duplicated == 1


def test_a_lost_acknowledgement_is_missed_on_the_topic_by_the_ledger_and_in_its_case(bus: Bus) -> None:
    """Three independent counts see it."""
    gone = next(one for one in bus.records if dict(one.headers).get("ce_source") == b"urn:l233:cpam")
    found = counted(audited([one for one in bus.records if one is not gone]))
    assert found == {"lost": 1, "duplicated": 0, "out_of_order": 0, "residual": 1, "cases": 1}


def test_an_input_record_that_ended_nowhere_is_a_residual(bus: Bus) -> None:
    """A decision that is missing leaves its input record without an end."""
    gone = next(one for one in bus.records if one.topic == "l233.decisions")
    assert counted(audited([one for one in bus.records if one is not gone]))["residual"] == 1


@pytest.mark.parametrize("topic", ["l233.inbox.urssaf", "l233.receipts"])
def test_two_records_of_a_worker_in_the_wrong_order_are_found(bus: Bus, topic: str) -> None:
    """Exchanged, they are all there, and one stands behind a later one."""
    by_worker: defaultdict[bytes, list[Kept]] = defaultdict(list)
    for one in bus.records:
        if one.topic == topic and one.key is not None:
            by_worker[one.key].append(one)
    first, second = next(ones for ones in by_worker.values() if len(ones) > 1)[:2]
    exchanged = {id(first): second, id(second): first}
    found = counted(audited([exchanged.get(id(one), one) for one in bus.records]))
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 1)


def test_a_case_that_forgot_an_answer_is_found(bus: Bus) -> None:
    """Its latest record is an older one."""
    latest: dict[bytes | None, list[Kept]] = defaultdict(list)
    for one in bus.records:
        if one.topic == "l233.cases":
            latest[one.key].append(one)
    stale = next(ones for ones in latest.values() if len(ones) > 2)
    assert len(audited([one for one in bus.records if one is not stale[-1]]).wrong_cases()) == 1
