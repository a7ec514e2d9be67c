"""The whole story of a case: what happened, who was asked what and by when, what everybody made of it.

The compacted topic of cases tells on which partition the worker's records lie; of the other topics only that
partition is read. What was known on a day is the case folded anew from what was there by then.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from agents.emission import OUTCOME_HEADER
from agents.roles import roles
from agents.world import World
from coordination import acknowledgement
from coordination.acknowledgement import Acknowledgement
from coordination.directory import Directory
from l233.rehearsal import Held, Input, Rehearsal
from l233.rehearsal_input import milliseconds
from schemas import topics
from schemas.envelope import Envelope, unpack
from schemas.events import TYPE_PREFIX
from schemas.records import CASE, DECISION, CaseRecipient, CaseState, Decision, Recipient
from schemas.strict_json import JsonValue, read
from streaming.client import Connection
from streaming.reading import Reader, reader
from streaming.records import Record
from streaming.veil import is_erased


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and when it was taken (RFC 3339)."""

    at: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Receipted:
    """A receipt that was sent for an event of the case; `again`: for an event that was sent once more."""

    at: str
    id: str
    event: str
    again: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that was made of an event of the case: `event` is the id of what caused it."""

    at: str
    id: str
    name: str
    event: str | None
    data: Mapping[str, JsonValue]
    erased: bool = False
    """Whether what it said of the worker is gone."""

    @property
    def organism(self) -> str:
        """Who did it, or about whom the clock says it."""
        return str(self.data.get("organism", ""))


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the topics tell of a case, each list in the order of time."""

    state: CaseState
    decided: tuple[Decided, ...]
    acknowledged: tuple[Acknowledgement, ...]
    receipts: tuple[Receipted, ...]
    happened: tuple[Happened, ...] = ()
    known_on: str | None = None
    """The day (ISO) at whose end all this was known; None: today."""

    def answers(self, decision: Decision, recipient: Recipient) -> list[Acknowledgement]:
        """Return what a recipient answered on a decision."""
        return [
            said
            for said in self.acknowledged
            if said.organism == recipient.organism and said.causation == decision.event.id
        ]

    def part(self, decision: Decision, recipient: Recipient) -> CaseRecipient | None:
        """Return how the part of a recipient stands."""
        meant = decision.id, recipient.organism
        return next((one for one in self.state.recipients if (one.decision, one.organism) == meant), None)

    def is_done(self, decision: Decision, recipient: Recipient) -> bool:
        """Say whether a recipient has given what it owes."""
        part = self.part(decision, recipient)
        return part is not None and part.done_at is not None


@dataclass(frozen=True, slots=True)
class KnownOn:
    """A day (ISO), and its end: what came later was not known."""

    day: str
    end: datetime


async def find(
    connection: Connection, case: str, world: World, known_on: KnownOn | None = None
) -> list[Story]:
    """Return the story of a case, once per worker: producers may have given two workers one case id.

    Empty when no such case is known, or was on the day. Raises KafkaError, TopicMissingError.
    """
    async with reader(connection) as reading:
        stories = [
            of_records(latest, [record async for record in _about(reading, latest, number)], world, known_on)
            for number, latest in await _states(reading, case)
        ]
    return [story for story in stories if story is not None]


def of_records(
    latest: CaseState, records: Sequence[Record], world: World, known_on: KnownOn | None = None
) -> Story | None:
    """Return the story that the records about a case tell; None when it was not known on the day.

    `latest` is the case as it is today; `records` are decisions, acknowledgements, outcomes and receipts.
    """
    if known_on is None:
        return _story(latest, records, None)
    by_then = [record for record in records if _told_at(record) <= known_on.end]
    then = _folded(by_then, world, known_on.end)
    return None if then is None else _story(then, by_then, known_on.day)


async def _states(reading: Reader, case: str) -> list[tuple[int, CaseState]]:
    """Return the latest state of a case, with its partition, for each worker who has one of this id."""
    wanted, latest = case.encode(), dict[bytes, tuple[int, bytes | None]]()
    async for record in _records(reading, topics.CASES):
        if record.key is not None and record.key.partition(b"/")[2] == wanted:
            latest[record.key] = (record.partition, record.value)
    return [
        (number, CASE.validate_json(value))
        for _, (number, value) in sorted(latest.items())
        if value is not None
    ]


async def _about(reading: Reader, state: CaseState, number: int) -> AsyncIterator[Record]:
    """Yield the records about a case."""
    async for record in _records(
        reading, topics.DECISIONS, topics.ACKNOWLEDGEMENTS, topics.OUTCOMES, topics.RECEIPTS, number=number
    ):
        headers = dict(record.headers)
        about = headers.get("ce_subject"), headers.get("ce_correlationid")
        if about == (state.worker.encode(), state.case.encode()):
            yield record


def _folded(records: Iterable[Record], world: World, end: datetime) -> CaseState | None:
    """Return the case as it was at an instant, from what was there: folded by the role that always does."""
    (cases,) = roles(["cases"], world)
    told = sorted((record for record in records if record.topic in cases.inputs), key=_told_at)
    inputs = [
        Input(
            line,
            milliseconds(_told_at(record)),
            None,
            None,
            Held(record.topic, 0, line, milliseconds(_told_at(record)), *_content(record)),
        )
        for line, record in enumerate(told)
    ]
    rehearsal = Rehearsal([cases])
    for _ in rehearsal.run(inputs, milliseconds(end)):
        pass
    latest = rehearsal.latest.get(topics.CASES)
    return None if latest is None else CASE.validate_json(latest.value or b"")


def _told_at(record: Record) -> datetime:
    return _instant(dict(record.headers)["ce_time"].decode())


def _content(record: Record) -> tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]:
    return record.key, record.value, record.headers


def _story(state: CaseState, records: Iterable[Record], known_on: str | None) -> Story:
    decided: dict[str, Decided] = {}
    acknowledged: dict[str, Acknowledgement] = {}
    happened: dict[str, Happened] = {}
    receipts: list[Receipted] = []
    for record in records:
        envelope = unpack(record.value, record.headers)
        payload, time = envelope.payload or b"", str(envelope.attributes["time"])
        match record.topic:
            case topics.DECISIONS:
                decision = DECISION.validate_json(payload)
                decided.setdefault(decision.id, Decided(time, decision))
            case topics.ACKNOWLEDGEMENTS:
                said = acknowledgement.read(envelope.attributes, payload)
                acknowledged.setdefault(said.id, said)
            case topics.OUTCOMES:
                made = _happened(envelope, payload, erased=is_erased(record))
                happened.setdefault(made.id, made)
            case _:
                again = dict(record.headers).get(OUTCOME_HEADER) == b"duplicate"
                event = str(envelope.attributes.get("causationid", ""))
                receipts.append(Receipted(time, str(envelope.attributes["id"]), event, again))
    return Story(
        state,
        tuple(sorted(decided.values(), key=lambda one: _instant(one.decision.event.time))),
        tuple(sorted(acknowledged.values(), key=lambda said: _instant(said.at))),
        tuple(sorted(receipts, key=lambda receipt: _instant(receipt.at))),
        tuple(sorted(happened.values(), key=lambda made: _instant(made.at))),
        known_on,
    )


def _happened(envelope: Envelope, payload: bytes, *, erased: bool) -> Happened:
    said, data = envelope.attributes, read(payload)
    cause = said.get("causationid")
    return Happened(
        at=str(said["time"]),
        id=str(said["id"]),
        name=str(said["type"]).removeprefix(TYPE_PREFIX).rpartition(".")[0],
        event=None if cause is None else str(cause),
        data=data if isinstance(data, dict) else {},
        erased=erased,
    )


async def _records(reading: Reader, *topics: str, number: int | None = None) -> AsyncIterator[Record]:
    """Yield the committed records of topics, of one partition number or of all."""
    places = [place for place in await reading.places(topics) if number in (None, place[1])]
    async for records in reading.read(await reading.ends(places)):
        for record in records:
            yield record


def _instant(time: str) -> datetime:
    return datetime.fromisoformat(time)


def as_json(story: Story, directory: Directory) -> dict[str, object]:
    """Return the public object of `l233 trace --json`."""
    state = story.state
    return {
        "case": state.case,
        "worker": state.worker,
        "status": state.status,
        "opened": state.opened,
        "updated": state.updated,
        "decisions": [_decision_json(story, one, directory) for one in story.decided],
        "acknowledgements": [
            {
                "id": said.id,
                "at": said.at,
                "event": said.causation,
                "level": said.level,
                "name": _name(said.organism, directory),
                **said.data.model_dump(mode="json", exclude_none=True),
            }
            for said in story.acknowledged
        ],
        "receipts": [asdict(receipt) for receipt in story.receipts],
        "outcomes": [
            {
                "id": made.id,
                "at": made.at,
                "event": made.event,
                "type": made.name,
                "name": _name(made.organism, directory),
                **made.data,
            }
            for made in story.happened
        ],
        "clocks": [asdict(clock) for clock in state.clocks],
        "escalations": [asdict(one) for one in state.escalations],
        "corrections": [asdict(one) for one in state.corrections],
        "declined": [asdict(one) for one in state.declined],
        "known_on": story.known_on,
    }


def _standing(part: CaseRecipient | None) -> dict[str, object]:
    if part is None:
        return {"due": None, "near": None, "missed": None, "ended": None, "done": False}
    done = part.done_at is not None
    return {
        "due": part.due,
        "near": part.near_at,
        "missed": part.missed_at,
        "ended": part.ended,
        "done": done,
    }


def _decision_json(story: Story, one: Decided, directory: Directory) -> dict[str, object]:
    decision = one.decision
    written = DECISION.dump_python(decision, mode="json")
    recipients = [
        {
            **asdict(to),
            "name": _name(to.organism, directory),
            "answers": [said.level for said in story.answers(decision, to)],
            **_standing(story.part(decision, to)),
        }
        for to in decision.recipients
    ]
    erased = was_erased(decision)
    return {**written, "decided": one.at, "recipients": recipients, "erased": erased}


def was_erased(decision: Decision) -> bool:
    """Say whether the worker's situation was known, and is not any more."""
    return decision.situation is None and decision.situation_from != "nothing"


def _name(id_: str, directory: Directory) -> str | None:
    known = directory.organisms.get(id_)
    return None if known is None else known.name
