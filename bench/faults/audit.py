"""Recomputes from the committed input what must stand on every topic, and counts what does not."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic_core import from_json

from agents.emission import INPUT_HEADER, MANDATE_HEADER, OUTCOME_HEADER, REKEYED_HEADER
from agents.roles import load_world
from bench.faults.cases import LEVELS, Case, Given
from bench.faults.tally import Order, Tally
from coordination import ids
from coordination.conservation import Ledger
from coordination.intake import Intake
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from schemas.records import CASE, DECISION, Decision, Level
from streaming.client import Connection
from streaming.reading import reader
from streaming.records import Record
from streaming.topics import INPUT, Registry

Memory = dict[bytes, bytes]
"""What a lane of a role must remember, the delivery's own keys apart."""
Place = tuple[str, int]
"""Topic and partition."""

_OUTPUTS: Final = ("l233.decisions", "l233.receipts", "l233.dead-letters", "l233.acknowledgements")
_INBOX: Final = "l233.inbox."
_CASES: Final = "l233.cases"


@dataclass(slots=True)
class Audit:
    """Takes every committed record of every topic, the input first, each partition in order."""

    registry: Registry
    tally: Tally = field(default_factory=Tally)
    order: Order = field(default_factory=Order)
    ledger: Ledger = field(init=False)
    intake: "defaultdict[int, Memory]" = field(default_factory=lambda: defaultdict(dict))
    """What intake must remember, by lane."""
    published: int = 0
    """Input records that a producer put there: those that intake put back are not counted."""
    last: dict[Place, int] = field(default_factory=dict)
    """Offset of the last record of each place."""
    _heard: "defaultdict[tuple[int, str], Case]" = field(default_factory=lambda: defaultdict(Case))
    """By lane, and by `<worker>/<case>`: what a case is kept under."""
    _latest: dict[tuple[int, str], bytes] = field(default_factory=dict)
    _judge: Intake = field(init=False)
    _agents: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        world = load_world(self.registry)
        self.ledger = Ledger(self.registry.partitions)
        self._agents = {name: organism.agent for name, organism in world.directory.organisms.items()}
        self._judge = Intake(
            world.rulebook, world.directory, self.registry.allowed_sources, self.registry.partitions
        )

    def topics(self) -> Sequence[str]:
        """Return the topics to read, in this order."""
        inboxes = sorted(name for name in self.registry.topics if name.startswith(_INBOX))
        return (INPUT, *_OUTPUTS, *inboxes, _CASES)

    def take(self, record: Record) -> None:
        """Take one record."""
        self.ledger.take(record)
        self.last[record.topic, record.partition] = record.offset
        match record.topic:
            case "l233.events":
                self._input(record)
            case "l233.acknowledgements":
                self._acknowledgement(record)
            case "l233.cases":
                self._latest[record.partition, (record.key or b"").decode()] = record.value or b""
            case _:
                self._caused(record)

    # -- what must be there -----------------------------------------------------------------------

    def _input(self, record: Record) -> None:
        original = dict(record.headers).get(REKEYED_HEADER)
        if original is None:
            self.published += 1
        else:
            self.tally.found(f"{INPUT} {record.partition} from {original.decode()}")
        memory = self.intake[record.partition]
        place = f"{record.partition}/{record.offset}"
        match self._judge.judge(_as_input(record), memory):
            case Routed() as routed:
                memory.update(routed.writes)
                self._routed(routed, record.partition, place)
            case Duplicate() as duplicate:
                self.tally.expect(f"l233.receipts {place} {duplicate.receipt.id} duplicate")
            case Refused() as refused:
                self.tally.expect(f"l233.receipts {place} {refused.receipt.id}")
                letter = ids.refusal_id(record.topic, record.partition, record.offset, "dead-letter")
                self.tally.expect(f"l233.dead-letters {place} {letter}")
            case Rekeyed() as rekeyed:
                self.tally.expect(f"{INPUT} {rekeyed.partition} from {place}")

    def _routed(self, routed: Routed, partition: int, place: str) -> None:
        decision, event = routed.decision, routed.event
        self.tally.expect(f"l233.decisions {place} {decision.id}")
        self.tally.expect(f"l233.receipts {place} {routed.receipt.id}")
        for to in decision.recipients:
            self.tally.expect(f"{_INBOX}{self._agents[to.organism]} {place} {to.organism}")
            for level in ("registered", "received"):
                said = ids.emitted_id(event, decision.scheme, decision.rule, to.organism, level)
                self.tally.expect(_given(partition, said))
        for given in routed.acknowledgements:
            if given.level != "registered":
                self.tally.expect(_given(partition, given.id))

    # -- what is there ----------------------------------------------------------------------------

    def _caused(self, record: Record) -> None:
        headers = dict(record.headers)
        place = headers[INPUT_HEADER].decode()
        if record.topic.startswith(_INBOX):
            identity = str(from_json(headers[MANDATE_HEADER])["organism"])
        elif OUTCOME_HEADER in headers:
            identity = f"{headers['ce_id'].decode()} {headers[OUTCOME_HEADER].decode()}"
        else:
            identity = headers["ce_id"].decode()
        self.tally.found(f"{record.topic} {place} {identity}")
        lane, _, offset = place.partition("/")
        if int(lane) != record.partition:
            self.order.broken += 1
        if worker := headers.get("ce_subject"):
            self.order.take(record.topic, record.partition, worker, int(offset))
        if record.topic == "l233.decisions":
            self._decision(record.partition, DECISION.validate_json(record.value or b""))

    def _decision(self, partition: int, decision: Decision) -> None:
        case = self._heard[partition, f"{decision.event.subject}/{decision.case}"]
        case.decisions[decision.id] = decision

    def _acknowledgement(self, record: Record) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        self.tally.found(_given(record.partition, headers["ce_id"]))
        given = Given(
            id=headers["ce_id"],
            organism=str(from_json(record.value or b"")["organism"]),
            level=_level(headers["ce_type"]),
            at=headers["ce_time"],
            about=headers.get("ce_causationid"),
        )
        case = self._heard[record.partition, f"{headers['ce_subject']}/{headers['ce_correlationid']}"]
        case.given[given.id] = given

    # -- what follows -----------------------------------------------------------------------------

    def cases(self) -> Mapping[int, Memory]:
        """Return what the role `cases` must remember, by lane."""
        memory: defaultdict[int, Memory] = defaultdict(dict)
        for (partition, key), heard in self._heard.items():
            worker, _, case = key.partition("/")
            memory[partition][key.encode()] = CASE.dump_json(heard.state(case, worker))
        return memory

    def wrong_cases(self) -> Sequence[str]:
        """Return the cases whose latest record is not what their decisions and acknowledgements make."""
        expected = {
            (partition, key.decode()): value
            for partition, memory in self.cases().items()
            for key, value in memory.items()
        }
        return [
            f"case {key} in partition {partition}"
            for partition, key in expected.keys() | self._latest.keys()
            if expected.get((partition, key)) != self._latest.get((partition, key))
        ]


async def read(audit: Audit, connection: Connection) -> None:
    """Let an audit take everything that is committed now."""
    async with reader(connection) as source:
        ends = await source.ends(await source.places(audit.topics()))
        for topic in audit.topics():
            async for batch in source.read({place: end for place, end in ends.items() if place[0] == topic}):
                for record in batch:
                    audit.take(record)


def _as_input(record: Record) -> InputRecord:
    return InputRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
    )


def _given(partition: int, id_: str) -> str:
    return f"l233.acknowledgements {partition} {id_}"


def _level(type_: str) -> Level:
    """Return the level that a type such as `fr.l233.acknowledgement.received.v1` names."""
    return next(level for level in LEVELS if type_ == f"fr.l233.acknowledgement.{level}.v1")
