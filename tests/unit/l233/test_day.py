"""The generated day: seeded, valid, and every planted verdict is the one that intake gives."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from random import Random

import pytest
from confluent_kafka import Message, Producer
from stdnum.fr import nir, siren

import scheme
from coordination.directory import parse_directory
from coordination.intake import Intake
from coordination.partitioning import partition_of
from coordination.scheme_file import read_rulebook
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from l233.day import EVERYTHING_FROM, GeneratedRecord, generate
from l233.day.faults import invented_number, librdkafka_partition
from l233.day.population import INHABITANTS, PLANTED_SHARES
from schemas.codes import DEPARTEMENTS
from schemas.envelope import STRUCTURED, unpack
from schemas.events import CONTRACTS
from schemas.validation import Event, validate

DAY = date(2026, 3, 10)
PARTITIONS = 4


class Log:
    """The input topic and intake in memory: partitions are read one after the other, a stretch at a time."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        directory = parse_directory(scheme.organisms(), scheme.territories())
        self._intake = Intake(read_rulebook(scheme.versions(), directory), directory, {}, partitions)
        self._waiting: list[deque[tuple[bytes | None, GeneratedRecord, bool]]] = [
            deque() for _ in range(partitions)
        ]
        self._memory: dict[bytes, bytes] = {}
        self.verdicts: list[tuple[str, GeneratedRecord]] = []

    def publish(self, records: Iterable[GeneratedRecord]) -> None:
        """Lay records where they are to lie."""
        for record in records:
            partition = record.partition
            if partition is None:
                assert record.key is not None
                partition = partition_of(record.key, len(self._waiting))
            self._waiting[partition].append((record.key, record, False))

    def read(self) -> None:
        """Judge everything that waits; what is rekeyed comes again, at the end of its own partition."""
        while any(self._waiting):
            for number, waiting in enumerate(self._waiting):
                for _ in range(len(waiting)):
                    self._judge(number, *waiting.popleft())

    def _judge(self, partition: int, key: bytes | None, record: GeneratedRecord, came_back: bool) -> None:
        offset = len(self.verdicts)
        verdict = self._intake.judge(
            InputRecord("l233.events", partition, offset, 0, key, record.value, record.headers), self._memory
        )
        match verdict:
            case Routed(writes=writes):
                self._memory.update(writes)
                outcome = "routed"
            case Duplicate():
                outcome = "duplicate"
            case Refused(refusal=refusal):
                outcome = refusal.reason
            case Rekeyed(key=right_key, partition=right):
                outcome = "rekeyed"
                self._waiting[right].append((right_key, record, True))
        self.verdicts.append((f"{outcome}, came back" if came_back else outcome, record))


@pytest.mark.parametrize(("partitions", "stretch"), [(1, 5_000), (4, 1), (4, 700), (6, 5_000)])
def test_intake_finds_what_was_planted(partitions: int, stretch: int) -> None:
    """Whatever the pace at which the partitions are read, each record gets the verdict that it announces."""
    log = Log(partitions)
    records = generate(20260310, 5_000, DAY, partitions=partitions)
    while chunk := list(islice(records, stretch)):
        log.publish(chunk)
        log.read()

    wrong = [
        (outcome, record)
        for outcome, record in log.verdicts
        if outcome != ("routed, came back" if outcome.endswith("came back") else record.expected)
    ]
    assert wrong == []
    came = Counter(outcome for outcome, _ in log.verdicts)
    assert came["rekeyed"] == came["routed, came back"]
    assert sum(came.values()) == 5_000 + came["rekeyed"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("events", [EVERYTHING_FROM, 5_000])
def test_every_type_and_everything_planted_occurs(seed: int, events: int) -> None:
    """However rare a type is in life, a day shows it."""
    records = list(generate(seed, events, DAY))

    assert len(records) == events
    assert {record.name for record in records if record.expected == "routed"} == set(CONTRACTS)
    assert {record.expected for record in records} == {"routed", *PLANTED_SHARES}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    """The day can be generated again, for a comparison or a repeated measurement."""
    first, again, other = (list(generate(seed, 1_000, DAY)) for seed in (1, 1, 2))

    assert first == again
    assert not {record.key for record in first} & {record.key for record in other}


def test_a_longer_day_is_generated_lazily() -> None:
    """The first records of a huge day are there at once."""
    first = next(iter(generate(1, 10**9, DAY)))

    assert first.name == "activity.registered"


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 1, 2), date(2028, 2, 29), date(2098, 12, 31)])
def test_any_day_under_the_scheme_can_be_generated(day: date) -> None:
    """Dates, periods and offsets of the events are right on the edges of years and in leap years too."""
    records = list(generate(3, 1_000, day))

    for record in records:
        if record.expected == "routed":
            assert isinstance(validate(unpack(record.value, record.headers)), Event), record


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2099, 1, 1)])
def test_a_day_without_a_scheme_is_refused(day: date) -> None:
    """Every record would be a dead letter, and no expectation would hold."""
    with pytest.raises(ValueError, match="can be generated"):
        next(iter(generate(1, 10, day)))


def test_workers_are_registered_before_anything_else_is_said_of_them() -> None:
    """Later events of a registered worker come without his situation: intake knows it."""
    registered: set[bytes | None] = set()
    without_block = 0
    for record in generate(5, 5_000, DAY):
        if record.expected != "routed":
            continue
        event = validate(unpack(record.value, record.headers))
        assert isinstance(event, Event)
        if event.name == "activity.registered":
            assert record.key not in registered
            registered.add(record.key)
        else:
            assert record.key in registered
            without_block += event.data.worker is None
    assert without_block > 3_000


def test_both_content_modes_come() -> None:
    """Producers use one or the other, and so does the day."""
    modes = Counter(dict(record.headers).get("content-type", b"").split(b";")[0] for record in _routed(2_000))

    assert modes[STRUCTURED.encode()] > 300
    assert modes[b"application/json"] > 1_000


def test_population_covers_every_departement_of_the_scheme() -> None:
    """A département that was forgotten would never be tried."""
    assert set(INHABITANTS) == set(DEPARTEMENTS)


def test_workers_live_where_people_live() -> None:
    """Places are drawn in proportion to the inhabitants, within what chance allows."""
    homes = Counter(
        event.data.worker.residence[:2]
        for event in _events(20_000)
        if event.name == "activity.registered" and event.data.worker is not None
    )
    total, inhabitants = sum(homes.values()), sum(INHABITANTS.values())
    for departement in ("59", "75", "13", "48"):
        expected = total * INHABITANTS[departement] / inhabitants
        assert abs(homes[departement] - expected) <= 4 * expected**0.5 + 1


def test_a_planted_number_is_a_nir_that_is_given_to_nobody() -> None:
    """It trips the detection, and no one in France has a number that begins with 9."""
    number = invented_number(Random(1))

    assert nir.is_valid(number)
    assert number.startswith("9")


def test_sirens_are_valid_and_all_different() -> None:
    """Each worker has a number of his own, as the register would give it."""
    found = [
        event.data.worker.siren
        for event in _events(5_000)
        if event.name == "activity.registered" and event.data.worker is not None
    ]

    assert len(set(found)) == len(found)
    assert all(siren.is_valid(number) for number in found)


def test_the_wrong_partition_is_the_one_that_librdkafka_chooses() -> None:
    """confluent-kafka's own producer, on its in-process broker, says where it lays our keys."""
    laid: dict[bytes, int] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        key, partition = message.key(), message.partition()
        assert isinstance(key, bytes)
        assert partition is not None
        laid[key] = partition

    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    keys = {record.key for record in islice(generate(1, 300, DAY), 50) if record.key is not None}
    for key in keys:
        producer.produce("l233.events", key=key, value=b"", on_delivery=delivered)
    assert producer.flush(30) == 0

    partitions = len(producer.list_topics("l233.events", 30).topics["l233.events"].partitions)
    assert partitions > 1
    assert laid == {key: librdkafka_partition(key, partitions) for key in keys}


def _routed(events: int) -> Iterator[GeneratedRecord]:
    return (record for record in generate(5, events, DAY) if record.expected == "routed")


def _events(events: int) -> Iterator[Event]:
    for record in _routed(events):
        event = validate(unpack(record.value, record.headers))
        assert isinstance(event, Event)
        yield event
