"""Inputs and what was recorded of them are brought together, however they come in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agents.intake import IntakeAgent
from agents.roles import load_world
from coordination.partitioning import partition_of
from l233.recordings import Plan, Range, judge_by
from l233.replay import Comparing, Part
from l233.settings import Settings
from schemas.envelope import STRUCTURED
from schemas.topics import INPUT
from streaming.records import Record
from streaming.store import entries
from streaming.topics import Registry
from tests.unit.coordination.examples import OWN_DATA, SUBJECT, structured, worker

KEY: Final = SUBJECT.encode()
HOME: Final = partition_of(KEY, 4)


@dataclass(frozen=True)
class Lying:
    """A record as it lies on a topic."""

    topic: str
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int = HOME
    timestamp: int = 1_772_440_200_000
    key: bytes | None = KEY


def stream(count: int) -> tuple[list[Record], dict[str, list[Record]]]:
    """Return inputs of one worker, and what intake's own handler writes of them, by topic."""
    known = load_world(Registry.load())
    handler, memory = IntakeAgent(known), Memory()
    inputs: list[Record] = []
    written: dict[str, list[Record]] = {name: [] for name in ("decisions", "dead-letters", "receipts")}
    for number in range(count):
        data = {**OWN_DATA["contribution.paid"], "worker": worker("31555")}
        line = structured("contribution.paid", data if number % 3 else {}, id_=str(number % 7))
        inputs.append(Lying(INPUT, number, line, (("content-type", STRUCTURED.encode()),)))
        result = handler(inputs[-1], memory)
        memory.update(result.writes)
        for output in result.outputs:
            name = output.topic.removeprefix("l233.")
            if name in written:
                written[name].append(Lying(output.topic, len(written[name]), output.value, output.headers))
    return inputs, written


class Memory(dict[bytes, bytes | None]):
    """State in memory."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the entries whose keys begin so."""
        return entries(self, prefix)


def compared(
    inputs: Sequence[Record], written: dict[str, list[Record]], first: int = 0, *, step: int = 1_000
) -> Part:
    """Compare as topics come in, some records at a time."""
    settings = Settings()
    rulebook = load_world(Registry.load()).rulebook
    planned = Plan(settings, Range({HOME: first}, {HOME: len(inputs) + first}), 0, rulebook)
    comparing = Comparing(HOME, planned, judge_by(planned.settings, planned.rulebook))
    topics = {INPUT: list(inputs), **{f"l233.{name}": list(records) for name, records in written.items()}}
    while topics:
        for topic in list(topics):
            comparing.offer(topic, topics[topic][:step])
            del topics[topic][:step]
            if not topics[topic]:
                comparing.ended(topic)
                del topics[topic]
        comparing.work()
    comparing.work()
    return comparing.done()


def test_it_agrees_however_the_topics_come_in() -> None:
    inputs, written = stream(40)
    whole = compared(inputs, written)
    assert whole.counts == {"identical": 40}
    assert compared(inputs, written, step=1).digest == whole.digest
    assert compared(inputs, written, step=7).digest == whole.digest


def test_a_decision_that_is_gone_is_missing() -> None:
    inputs, written = stream(10)
    taken = written["decisions"].pop(2)
    found = compared(inputs, written)
    assert found.counts == {"identical": 9, "missing": 1}
    assert b"/%d" % found.told[0].offset in dict(taken.headers)["l233-input"]


def test_a_second_decision_on_one_input_is_extra() -> None:
    inputs, written = stream(10)
    written["decisions"].insert(1, written["decisions"][0])
    assert compared(inputs, written).counts == {"identical": 10, "extra": 1}


def test_a_decision_on_an_input_that_is_not_there_is_extra() -> None:
    inputs, written = stream(10)
    gone = next(number for number in range(10) if number % 3)
    found = compared([one for one in inputs if one.offset != gone], written)
    assert found.counts["extra"] == 1
    assert found.told[0].offset == gone


def test_what_lies_before_the_range_is_no_matter() -> None:
    inputs, written = stream(10)
    assert compared(inputs[4:], written, first=4).counts == {"identical": 6}
