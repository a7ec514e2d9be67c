"""The whole story of a case: what happened, who was asked what and by when, and what everybody answered.

The compacted topic of cases tells on which partition the worker's records lie; of the other topics only that
partition is read.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from agents.emission import OUTCOME_HEADER
from coordination import acknowledgement
from coordination.acknowledgement import Acknowledgement
from coordination.directory import Directory
from l233.telling import last_day, organism, paris, plain
from schemas.envelope import unpack
from schemas.records import CASE, DECISION, CaseState, Decision, Recipient
from streaming.client import Connection
from streaming.reading import Reader, reader
from streaming.records import Record

CASES: Final = "l233.cases"
DECISIONS: Final = "l233.decisions"
ACKNOWLEDGEMENTS: Final = "l233.acknowledgements"
RECEIPTS: Final = "l233.receipts"


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
class Story:
    """Everything that the topics tell of a case, each list in the order of time."""

    state: CaseState
    decided: tuple[Decided, ...]
    acknowledged: tuple[Acknowledgement, ...]
    receipts: tuple[Receipted, ...]

    def answers(self, decision: Decision, recipient: Recipient) -> list[Acknowledgement]:
        """Return what a recipient answered on a decision."""
        return [
            said
            for said in self.acknowledged
            if said.organism == recipient.organism and said.causation == decision.event.id
        ]

    def is_done(self, decision: Decision, recipient: Recipient) -> bool:
        """Say whether a recipient has given what it owes."""
        return any(
            part.done_at is not None
            for part in self.state.recipients
            if (part.decision, part.organism) == (decision.id, recipient.organism)
        )


async def find(connection: Connection, case: str) -> list[Story]:
    """Return the story of a case, once per worker: producers may have given two workers one case id.

    Empty when no such case is known. Raises KafkaError, TopicMissingError.
    """
    async with reader(connection) as reading:
        return [await _story(reading, state, number) for number, state in await _states(reading, case)]


async def _states(reading: Reader, case: str) -> list[tuple[int, CaseState]]:
    """Return the latest state of a case, with its partition, for each worker who has one of this id."""
    wanted, latest = case.encode(), dict[bytes, tuple[int, bytes | None]]()
    async for record in _records(reading, CASES):
        if record.key is not None and record.key.partition(b"/")[2] == wanted:
            latest[record.key] = (record.partition, record.value)
    return [
        (number, CASE.validate_json(value))
        for _, (number, value) in sorted(latest.items())
        if value is not None
    ]


async def _story(reading: Reader, state: CaseState, number: int) -> Story:
    decided: dict[str, Decided] = {}
    acknowledged: dict[str, Acknowledgement] = {}
    receipts: list[Receipted] = []
    async for record in _records(reading, DECISIONS, ACKNOWLEDGEMENTS, RECEIPTS, number=number):
        headers = dict(record.headers)
        about = headers.get("ce_subject"), headers.get("ce_correlationid")
        if about != (state.worker.encode(), state.case.encode()):
            continue
        envelope = unpack(record.value, record.headers)
        payload, time = envelope.payload or b"", str(envelope.attributes["time"])
        match record.topic:
            case "l233.decisions":
                decision = DECISION.validate_json(payload)
                decided.setdefault(decision.id, Decided(time, decision))
            case "l233.acknowledgements":
                said = acknowledgement.read(envelope.attributes, payload)
                acknowledged.setdefault(said.id, said)
            case _:
                again = headers.get(OUTCOME_HEADER) == b"duplicate"
                event = str(envelope.attributes.get("causationid", ""))
                receipts.append(Receipted(time, str(envelope.attributes["id"]), event, again))
    return Story(
        state,
        tuple(sorted(decided.values(), key=lambda one: _instant(one.decision.event.time))),
        tuple(sorted(acknowledged.values(), key=lambda said: _instant(said.at))),
        tuple(sorted(receipts, key=lambda receipt: _instant(receipt.at))),
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
    }


def _decision_json(story: Story, one: Decided, directory: Directory) -> dict[str, object]:
    decision = one.decision
    written = DECISION.dump_python(decision, mode="json")
    recipients = [
        {
            **asdict(to),
            "name": _name(to.organism, directory),
            "answers": [said.level for said in story.answers(decision, to)],
            "done": story.is_done(decision, to),
        }
        for to in decision.recipients
    ]
    return {**written, "decided": one.at, "recipients": recipients}


def _name(id_: str, directory: Directory) -> str | None:
    known = directory.organisms.get(id_)
    return None if known is None else known.name


def as_text(story: Story, directory: Directory) -> Sequence[str]:
    """Return the story in lines for a person; times are those of Paris, deadlines the organism's own."""
    state = story.state
    lines = [f"Case {plain(state.case)} of {state.worker}: {state.status} (times of Paris)"]
    for one in story.decided:
        lines += ["", *_decision_text(story, one, directory)]
    lines += ["", "Told in order of time", *(f"  {line}" for line in _told(story, directory))]
    if state.waiting:
        lines += ["", f"{len(state.waiting)} of these by organisms that no decision of the case asks (yet)"]
    return lines


def _decision_text(story: Story, one: Decided, directory: Directory) -> Iterable[str]:
    decision, event, worker = one.decision, one.decision.event, one.decision.situation
    yield f"{paris(event.time)}  {event.type}  (id {plain(event.id)}, from {plain(event.source)})"
    yield f"  decided {paris(one.at)} by scheme {decision.scheme}, rule {decision.rule}: {decision.activity}"
    yield f"  basis: {decision.basis}"
    known = "as the event says" if decision.situation_from == "event" else "as known then"
    yield f"  worker: lives in {worker.residence}, works in {worker.establishment}, {known}"
    for to in decision.recipients:
        done = "done" if story.is_done(decision, to) else "open"
        yield f"  {to.role:<9} {organism(to.organism, directory)}"
        asked = f"{to.acknowledge} by the end of {last_day(to.by)}"
        yield f"            {asked}: {done}  [{to.status}: {to.basis}]"
    for gap in decision.unresolved:
        yield f"  {gap.role:<9} nobody for {gap.kind}: {gap.reason}"


def _told(story: Story, directory: Directory) -> list[str]:
    """Return receipts and acknowledgements, one a line, in the order of time."""
    lines = [(receipt.at, _receipt_text(receipt)) for receipt in story.receipts]
    lines += [(said.at, f"{said.level:<10} {_said(said, directory)}") for said in story.acknowledged]
    return [f"{paris(at)}  {text}" for at, text in sorted(lines, key=lambda line: _instant(line[0]))]


def _receipt_text(receipt: Receipted) -> str:
    return f"receipt    for {plain(receipt.event)}{', which was sent once more' if receipt.again else ''}"


def _said(said: Acknowledgement, directory: Directory) -> str:
    own = said.data.model_dump(exclude_none=True, exclude={"organism", "role"})
    if "to" in own:
        own["to"] = organism(str(own["to"]), directory)
    detail = ", ".join(f"{name} {plain(str(value))}" for name, value in own.items())
    return f"{organism(said.organism, directory)}{f': {detail}' if detail else ''}"
