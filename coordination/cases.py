"""Decides where a case is: folds decisions and acknowledgements, in any order of arrival, into one state.

The same messages give the same state whatever their order; the same id twice counts once. A case is closed
when every recipient has given what it owes: the level asked, or a higher one, or `refused` or `forwarded`,
which end its part.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

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
    "reported": frozenset({"reported", "settled", "forwarded", "refused"}),
}


def fold(state: CaseState | None, message: Decision | Acknowledgement) -> CaseState:
    """Return the state of a case once a message is known; None is the case of which nothing is known yet.

    An acknowledgement whose event no decision of the case has asked of that organism stands in `waiting`: its
    decision may still come, or the organism was not asked at all (it forwarded).
    """
    before = _nothing_of(message) if state is None else state
    match message:
        case Decision():
            return before if _has_decision(before, message) else _decided(before, message)
        case Acknowledgement():
            return before if _has_acknowledgement(before, message) else _acknowledged(before, message)


def _nothing_of(message: Decision | Acknowledgement) -> CaseState:
    worker = message.event.subject if isinstance(message, Decision) else message.subject
    return CaseState(message.case, worker, "", "", "open", (), (), ())


def _has_decision(state: CaseState, decision: Decision) -> bool:
    return any(event.decision == decision.id for event in state.events)


def _has_acknowledgement(state: CaseState, said: Acknowledgement) -> bool:
    return any(given.id == said.id for part in state.recipients for given in part.given) or any(
        waiting.id == said.id for waiting in state.waiting
    )


def _decided(state: CaseState, decision: Decision) -> CaseState:
    event = decision.event
    joined = CaseEvent(event.id, event.source, event.type, event.time, decision.id)
    asked = [
        CaseRecipient(decision.id, to.organism, to.role, to.activity, to.acknowledge, to.by, ())
        for to in decision.recipients
    ]
    parts = (*state.recipients, *asked)
    return _with_waiting(
        replace(state, events=(*state.events, joined), recipients=parts, waiting=()), state.waiting
    )


def _acknowledged(state: CaseState, said: Acknowledgement) -> CaseState:
    waiting = WaitingAcknowledgement(said.id, said.organism, said.level, said.at, said.causation)
    return _with_waiting(replace(state, waiting=()), (*state.waiting, waiting))


def _with_waiting(state: CaseState, waiting: Iterable[WaitingAcknowledgement]) -> CaseState:
    """Give each acknowledgement to the parts it answers; what answers none waits."""
    decisions: dict[str, set[str]] = {}
    for event in state.events:
        decisions.setdefault(event.id, set()).add(event.decision)
    parts = list(state.recipients)
    left = []
    for said in waiting:
        about = decisions.get(said.causation or "", set())
        answered = [
            at for at, part in enumerate(parts) if part.organism == said.organism and part.decision in about
        ]
        for at in answered:
            given = (*parts[at].given, GivenAcknowledgement(said.id, said.level, said.at))
            parts[at] = replace(parts[at], given=tuple(sorted(given, key=_step)))
        if not answered:
            left.append(said)
    return _settled(state, parts, left)


def _settled(
    state: CaseState, parts: Iterable[CaseRecipient], waiting: Iterable[WaitingAcknowledgement]
) -> CaseState:
    """Put everything in its one order, and derive what follows from it."""
    events = tuple(sorted(state.events, key=lambda event: (_instant(event.time), event.decision)))
    position = {event.decision: at for at, event in enumerate(events)}
    recipients = tuple(
        sorted(parts, key=lambda part: (position[part.decision], _ROLES[part.role], part.organism))
    )
    left = tuple(sorted(waiting, key=lambda said: (_instant(said.at), said.id)))
    happened = [event.time for event in events]
    heard = [given.at for part in recipients for given in part.given] + [said.at for said in left]
    closed = bool(recipients) and all(_is_fulfilled(part) for part in recipients)
    return CaseState(
        case=state.case,
        worker=state.worker,
        opened=min(happened or heard, key=_instant),
        updated=max(happened + heard, key=_instant),
        status="closed" if closed else "open",
        events=events,
        recipients=recipients,
        waiting=left,
    )


def _is_fulfilled(part: CaseRecipient) -> bool:
    return any(given.level in _FULFILS[part.acknowledge] for given in part.given)


def _step(given: GivenAcknowledgement) -> tuple[int, datetime, str, str]:
    return _STEPS[given.level], *_instant(given.at), given.id


def _instant(text: str) -> tuple[datetime, str]:
    """Order by instant, and for the same instant told in two ways by the text."""
    return datetime.fromisoformat(text), text
