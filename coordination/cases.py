"""Decides where a case is: folds decisions and acknowledgements, in any order of arrival, into one state.

The same messages give the same state whatever their order; the same id twice counts once. A case is closed
when every recipient has given what it owes: the level asked, or a higher one, or `refused`, which ends its
part. `forwarded` ends the part of a lead; of the others it counts as `received`, so that the common host
where a request was lodged still owes its report.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from coordination.acknowledgement import Acknowledgement
from schemas.records import (
    CaseEvent,
    CaseRecipient,
    CaseState,
    Decision,
    GivenAcknowledgement,
    Level,
    WaitingAcknowledgement,
)

_ROLES: Final = {"lead": 0, "support": 1, "informed": 2}
_STEPS: Final[dict[Level, int]] = {
    "registered": 0,
    "received": 1,
    "forwarded": 2,
    "refused": 3,
    "reported": 4,
    "settled": 5,
}
_FULFILS: Final[dict[str, frozenset[Level]]] = {
    "received": frozenset({"received", "reported", "settled", "forwarded", "refused"}),
    "reported": frozenset({"reported", "settled", "refused"}),
}


def fold(state: CaseState | None, message: Decision | Acknowledgement) -> CaseState:
    """Return the state of a case once a message is known; None is the case of which nothing is known yet.

    An acknowledgement whose event no decision of the case has asked of that organism stands in `waiting`: its
    decision may still come, or the organism was not asked at all (it forwarded). An acknowledgement names its
    event by the id alone, so it answers every event of the case that has this id. The same object comes back
    when the message was known.
    """
    match message:
        case Decision():
            before = _nothing(message.case, message.event.subject) if state is None else state
            return before if _has_decision(before, message) else _decided(before, message)
        case Acknowledgement():
            before = _nothing(message.case, message.subject) if state is None else state
            return before if _has_acknowledgement(before, message) else _acknowledged(before, message)


def _nothing(case: str, worker: str) -> CaseState:
    return CaseState(case, worker, "", "", "open", (), (), ())


def _has_decision(state: CaseState, decision: Decision) -> bool:
    return any(event.decision == decision.id for event in state.events)


def _has_acknowledgement(state: CaseState, said: Acknowledgement) -> bool:
    return any(given.id == said.id for part in state.recipients for given in part.given) or any(
        waiting.id == said.id for waiting in state.waiting
    )


def _decided(state: CaseState, decision: Decision) -> CaseState:
    """Ask the recipients, and give them what was said before they were asked."""
    event = decision.event
    joined = CaseEvent(event.id, event.source, event.type, event.time, decision.id)
    events = tuple(sorted((*state.events, joined), key=lambda known: (_instant(known.time), known.decision)))
    asked = [
        CaseRecipient(
            decision=decision.id,
            organism=to.organism,
            role=to.role,
            activity=to.activity,
            acknowledge=to.acknowledge,
            by=to.by,
            given=_said_before(state, event.id, to.organism),
        )
        for to in decision.recipients
    ]
    answered = {given.id for part in asked for given in part.given}
    position = {known.decision: at for at, known in enumerate(events)}
    parts = sorted(
        (*state.recipients, *asked),
        key=lambda part: (position[part.decision], _ROLES[part.role], part.organism),
    )
    return CaseState(
        case=state.case,
        worker=state.worker,
        opened=events[0].time,
        updated=_later(state.updated, event.time),
        status=_status(parts),
        events=events,
        recipients=tuple(parts),
        waiting=tuple(said for said in state.waiting if said.id not in answered),
    )


def _said_before(state: CaseState, event: str, organism: str) -> tuple[GivenAcknowledgement, ...]:
    """Return what an organism said about an event id before this decision asked it."""
    early = {
        GivenAcknowledgement(said.id, said.level, said.at)
        for said in state.waiting
        if said.causation == event and said.organism == organism
    }
    namesakes = {known.decision for known in state.events if known.id == event}
    for part in state.recipients:
        if part.organism == organism and part.decision in namesakes:
            early.update(part.given)
    return tuple(sorted(early, key=_step))


def _acknowledged(state: CaseState, said: Acknowledgement) -> CaseState:
    """Give an acknowledgement to the part that it answers; what answers none waits."""
    about = {event.decision for event in state.events if event.id == said.causation}
    given = GivenAcknowledgement(said.id, said.level, said.at)
    parts = tuple(
        _with(part, given) if part.organism == said.organism and part.decision in about else part
        for part in state.recipients
    )
    waiting = state.waiting
    if parts == state.recipients:
        new = WaitingAcknowledgement(said.id, said.organism, said.level, said.at, said.causation)
        waiting = tuple(sorted((*waiting, new), key=lambda known: (_instant(known.at), known.id)))
    return CaseState(
        case=state.case,
        worker=state.worker,
        opened=state.opened if state.events else waiting[0].at,
        updated=_later(state.updated, said.at),
        status=_status(parts),
        events=state.events,
        recipients=parts,
        waiting=waiting,
    )


def _with(part: CaseRecipient, given: GivenAcknowledgement) -> CaseRecipient:
    return replace(part, given=tuple(sorted((*part.given, given), key=_step)))


def _status(parts: Sequence[CaseRecipient]) -> Literal["open", "closed"]:
    return "closed" if parts and all(map(_is_fulfilled, parts)) else "open"


def _is_fulfilled(part: CaseRecipient) -> bool:
    fulfilling = _FULFILS[part.acknowledge]
    return any(
        given.level in fulfilling or (given.level == "forwarded" and part.role == "lead")
        for given in part.given
    )


def _step(given: GivenAcknowledgement) -> tuple[int, datetime, str, str]:
    return _STEPS[given.level], *_instant(given.at), given.id


def _later(known: str, new: str) -> str:
    return new if not known else max(known, new, key=_instant)


def _instant(text: str) -> tuple[datetime, str]:
    """Order by instant, and for the same instant told in two ways by the text."""
    return datetime.fromisoformat(text), text
