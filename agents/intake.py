"""Intake: judges every input record by contract, memory and scheme, and hands it to its recipients.

What is decided stands in `coordination.intake`; here it becomes records. Every input record ends in one
place: routed, a duplicate, a dead letter, or put back under the right key.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Final, assert_never

import structlog

from agents.emission import (
    INPUT_HEADER,
    MANDATE_HEADER,
    OUTCOME_HEADER,
    REKEYED_HEADER,
    acknowledgement,
    cloud_event,
    dead_letter,
    moment,
    place,
    receipt,
    unexpected,
)
from agents.world import World
from coordination import forgetting, refusals
from coordination.acknowledgement import mandate_json
from coordination.directory import Directory
from coordination.intake import Intake
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from schemas import topics
from schemas.codes import Kind
from schemas.envelope import Headers, pack_binary, unpack
from schemas.follow_ups import ACKNOWLEDGEMENTS
from schemas.records import DECISION, DECISION_TYPE, RECEIPT, Situation
from streaming.context import named
from streaming.records import Output, Record, Result, State
from streaming.timers import Timer, timer_key

ROLE = "intake"
_LOOK: Final = b"look"
"""Name of the timer, and key of the sign that it is set."""
_OF_A_SITUATION: Final = frozenset({"activity.registered", "territory.changed"})
_log = structlog.get_logger(__name__)


class IntakeAgent:
    """The handler of the input topic."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._directory = world.directory
        self._competent = lru_cache(maxsize=65_536)(partial(_competent, world.directory))
        self._judge = _judge_of(world)
        self._rulebook = world.rulebook

    def __call__(self, record: Record, state: State) -> Result:
        """Return everything an input record causes."""
        if self._rulebook is not self._world.rulebook:  # a version was published
            self._judge, self._rulebook = _judge_of(self._world), self._world.rulebook
        verdict = self._judge.judge(input_record(record), state)
        marks = [(INPUT_HEADER, place(record))]
        match verdict:
            case Routed():
                return Result(self._routed(verdict, record, marks), _writes(verdict, record, state))
            case Duplicate():
                again = [*marks, (OUTCOME_HEADER, b"duplicate")]
                return Result([_receipt(verdict, record, again)])
            case Refused():
                _log.info("event_refused", reason=verdict.refusal.reason, **named(record))
                return Result(_refused(verdict, record))
            case Rekeyed():
                said = [header for header in record.headers if header[0] != REKEYED_HEADER]
                headers = [*said, (REKEYED_HEADER, place(record))]
                return Result([Output(record.topic, verdict.key, record.value, headers, verdict.partition)])
            case _:
                assert_never(verdict)

    def due(self, timer: Timer, state: State) -> Result:
        """Forget what was routed too long ago, a part of the workers a day."""
        part = state.scan(forgetting.part_of(timer.at_ms))
        writes: dict[bytes, bytes | None] = dict.fromkeys(forgetting.forgotten(part, timer.at_ms))
        return Result(writes={**writes, timer_key(forgetting.next_look(timer.at_ms), _LOOK): b""})

    def _routed(self, verdict: Routed, record: Record, marks: Headers) -> Sequence[Output]:
        event, decision, time = verdict.event, verdict.decision, moment(record)
        outputs = [
            cloud_event(
                topics.DECISIONS,
                type_=DECISION_TYPE,
                id_=decision.id,
                role=ROLE,
                subject=event.subject,
                time=time,
                data=DECISION.dump_json(decision),
                case=decision.case,
                cause=event.id,
                marks=marks,
            ),
            _receipt(verdict, record, marks),
        ]
        headers, value = pack_binary({**event.attributes, "correlationid": decision.case}, event.payload)
        key = event.subject.encode()
        worker = decision.situation
        competent = (
            ()
            if worker is None
            else self._competent(worker.residence, worker.establishment, tuple(worker.attachments.items()))
        )
        for recipient in decision.recipients:
            agent = self._directory.organisms[recipient.organism].agent
            mandate = mandate_json(decision, recipient, competent)
            asked = [*headers, (MANDATE_HEADER, mandate), *marks]
            outputs.append(Output(topics.inbox(agent), key, value, asked))
        if event.name in ACKNOWLEDGEMENTS:  # the organism's own, as it stands: cases judges it
            outputs.append(Output(topics.ACKNOWLEDGEMENTS, key, value, [*headers, *marks]))
        outputs.extend(acknowledgement(ROLE, given) for given in verdict.acknowledgements)
        return outputs


def _writes(verdict: Routed, record: Record, state: State) -> Mapping[bytes, bytes]:
    """Return what to remember; the first worker that a lane learns of sets its first look at the old."""
    if verdict.event.name not in _OF_A_SITUATION or state.get(_LOOK) is not None:
        return verdict.writes
    first = timer_key(forgetting.first_look(record.timestamp), _LOOK)
    return {**verdict.writes, first: b"", _LOOK: b""}


def _competent(
    directory: Directory, residence: str, establishment: str, attachments: tuple[tuple[str, str], ...]
) -> tuple[tuple[Kind, str], ...]:
    """Return the organisms of a worker by mission: the same few places come up again and again."""
    return tuple(directory.organisms_of(Situation("", residence, establishment, dict(attachments))).items())


def _judge_of(world: World) -> Intake:
    return Intake(world.rulebook, world.directory, world.registry.allowed_sources, world.registry.partitions)


def failed(record: Record, error: Exception) -> Sequence[Output]:
    """Return what isolates a record on which intake itself failed: dead letter and refused receipt."""
    verdict = refusals.refused(unexpected(error), unpack(record.value, record.headers), input_record(record))
    return _refused(verdict, record)


def _refused(verdict: Refused, record: Record) -> Sequence[Output]:
    marks = [(INPUT_HEADER, place(record))]
    said = verdict.receipt
    told = receipt(
        ROLE, said, RECEIPT.dump_json(said), subject=verdict.subject, time=moment(record), marks=marks
    )
    return [dead_letter(ROLE, record, verdict.refusal, verdict.subject, verdict.remembered), told]


def _receipt(verdict: Routed | Duplicate, record: Record, marks: Headers) -> Output:
    said, subject = verdict.receipt, verdict.event.subject
    return receipt(ROLE, said, verdict.receipt_json, subject=subject, time=moment(record), marks=marks)


def input_record(record: Record) -> InputRecord:
    """Return a record of the input topic as intake judges it."""
    if isinstance(record, InputRecord):  # from a file, taken apart already
        return record
    return InputRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
    )
