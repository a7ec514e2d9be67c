"""Decides where a case is: folds what it is told, in any order of arrival, into one state.

The same facts give the same state whatever their order; the same id twice counts once. When a part of a case
has ended: `coordination.case_parts`. That its recipients are registered follows from the decision, so a case
keeps none of it: `coordination.case_view` shows it.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from coordination.case_facts import (
    Armed,
    Ask,
    Asked,
    Declined,
    Fact,
    Happened,
    Held,
    Moved,
    Raised,
    Said,
    Taken,
    Told,
)
from coordination.case_parts import Part, answered, corrected, is_meant, moved, stopped, told
from coordination.instants import later, moment

_ROLES: Final = {"lead": 0, "support": 1, "informed": 2}


class Escalation(NamedTuple):
    """What was brought before a national head, and when it said that it has it."""

    raised: Raised
    received_at: str | None


class Case(NamedTuple):
    """A case as folded so far. `timer_ms` is the instant of its one timer."""

    id: str
    worker: str
    known: frozenset[str]
    events: tuple[Asked, ...]
    parts: tuple[Part, ...]
    waiting: tuple[Said, ...]
    held: tuple[Held, ...]
    happened: tuple[Happened, ...]
    escalations: tuple[Escalation, ...]
    declined: tuple[tuple[Held, Declined], ...]
    updated: str
    timer_ms: int | None

    def event_of(self, decision: str) -> Asked:
        """Return the event that a decision of the case is about."""
        return next(event for event in self.events if event.id == decision)


def nothing_of(case: str, worker: str) -> Case:
    """Return the case of which nothing is known yet."""
    return Case(case, worker, frozenset(), (), (), (), (), (), (), (), "", None)


def fold(case: Case, fact: Fact) -> Case:
    """Return the case once a fact is known; the same object when it was.

    An acknowledgement whose event no decision of the case has asked of that organism waits: its decision may
    still come, or the organism was not asked at all (it forwarded). An acknowledgement names its event by the
    id alone, so it answers every event of the case that has this id.
    """
    if isinstance(fact, Said):  # the most frequent by far
        is_new = fact.level != "registered" and fact.id not in case.known
        return _said(case, fact, case.known | {fact.id}) if is_new else case
    if isinstance(fact, Armed):
        return Case(*case[:-1], fact.at_ms)
    if fact.id in case.known:
        return case
    known = case.known | {fact.id}
    match fact:
        case Asked():
            return _asked(case, fact, known)
        case Happened():
            return _happened(case, fact, known)
        case _:
            return _noted(case, fact, known)


def _noted(case: Case, fact: Told | Moved | Raised | Held | Taken | Declined, known: frozenset[str]) -> Case:
    """Return the case once it is known what it said itself."""
    match fact:
        case Told():
            parts = tuple(told(part, fact) if is_meant(part, fact) else part for part in case.parts)
            return case._replace(known=known, parts=parts, updated=later(case.updated, fact.at))
        case Moved():
            parts = tuple(moved(part, fact) if is_meant(part, fact) else part for part in case.parts)
            return case._replace(known=known, parts=parts)
        case Raised():
            return _raised(case, fact, known)
        case Held():
            updated = later(case.updated, fact.said.at)
            return case._replace(known=known, held=(*case.held, fact), updated=updated)
        case Taken():
            return _taken(case, fact, known)
        case Declined():
            return _declined(case, fact, known)
        case _:
            assert_never(fact)


# -- asked ----------------------------------------------------------------------------------------


def _asked(case: Case, event: Asked, known: frozenset[str]) -> Case:
    """Ask the recipients, give them what was said before they were asked, and stop what the event ends."""
    events = tuple(sorted((*case.events, event), key=_order)) if case.events else (event,)
    parts = tuple([_on_event(part, case, event) for part in case.parts])
    waiting, updated = case.waiting, later(case.updated, event.time)
    if event.asks:
        asked = tuple([_open(case, event, ask) for ask in sorted(event.asks, key=_place)])
        parts = _in_order((*parts, *asked), events) if parts else asked
        updated = later(updated, event.at)
        if waiting:
            answered = {given.id for part in asked for given in part.given}
            waiting = tuple(said for said in waiting if said.id not in answered)
    return Case(
        case.id,
        case.worker,
        known,
        events,
        parts,
        waiting,
        case.held,
        case.happened,
        case.escalations,
        case.declined,
        updated,
        case.timer_ms,
    )


def _in_order(parts: tuple[Part, ...], events: tuple[Asked, ...]) -> tuple[Part, ...]:
    """Return the parts of several events in the order of these; those of one stay as they stand."""
    position = {one.id: at for at, one in enumerate(events)}
    return tuple(sorted(parts, key=lambda part: position[part.decision]))


def _open(case: Case, event: Asked, ask: Ask) -> Part:
    """Return the part of a recipient, with all that was known of it before it was asked."""
    clock = ask.by, ask.near_ms, ask.missed_ms
    part = Part(event.id, event.event, ask, (), *clock, None, None, None, None)
    if not case.known:
        return part
    for said in _said_before(case, event, ask.organism):
        part = answered(part, said)
    for fact in case.happened:
        part = stopped(part, event, fact.name, fact.at)
    for other in case.events:
        part = corrected(part, event, other)
        part = stopped(part, event, other.name, other.at)
    return part


def _said_before(case: Case, event: Asked, organism: str) -> Iterable[Said]:
    """Return what an organism said about an event id before this decision asked it, each once."""
    found = {
        said.id: said
        for said in case.waiting
        if said.organism == organism and _is_about(said, event.id, event.event)
    }
    namesakes = {one.id for one in case.events if one.event == event.event}
    for part in case.parts:
        if part.ask.organism == organism and part.decision in namesakes:
            found.update({said.id: said for said in part.given if said.decision is None})
    return found.values()


def _on_event(part: Part, case: Case, event: Asked) -> Part:
    """Return a part once another event of its case is known."""
    own = case.event_of(part.decision)
    return stopped(corrected(part, own, event), own, event.name, event.at)


# -- said and happened ----------------------------------------------------------------------------


def _said(case: Case, said: Said, known: frozenset[str]) -> Case:
    """Give an acknowledgement to the part that it answers, or to the escalation; what answers none waits."""
    id_, worker, _, events, parts, waiting, held, happened, escalations, declined, updated, timer_ms = case
    taken = False
    organism = said.organism
    for index, part in enumerate(parts):
        if part.ask.organism == organism and _is_about(said, part.decision, part.event):
            parts = (*parts[:index], answered(part, said), *parts[index + 1 :])
            taken = taken or part.ask.acknowledge is not None
    for index, one in enumerate(escalations):
        if one.raised.id == said.causation:
            taken = True
            escalations = (*escalations[:index], _heard(one, said), *escalations[index + 1 :])
    if not taken:
        waiting = tuple(sorted((*waiting, said), key=_arrival))
    updated = later(updated, said.at)
    return Case(
        id_,
        worker,
        known,
        events,
        parts,
        waiting,
        held,
        happened,
        escalations,
        declined,
        updated,
        timer_ms,
    )


def _is_about(said: Said, decision: str, event: str) -> bool:
    return said.causation == event if said.decision is None else said.decision == decision


def _happened(case: Case, fact: Happened, known: frozenset[str]) -> Case:
    """List what happened, and end the clocks that wait for it; where none does, the parts are the same."""
    parts, name = case.parts, fact.name
    for index, part in enumerate(parts):
        if part.ask.until == name:
            ended = stopped(part, case.event_of(part.decision), name, fact.at)
            parts = (*parts[:index], ended, *parts[index + 1 :])
    happened = tuple(sorted((*case.happened, fact), key=_arrival)) if case.happened else (fact,)
    updated = later(case.updated, fact.at)
    return case._replace(known=known, parts=parts, happened=happened, updated=updated)


# -- held until it is judged ----------------------------------------------------------------------


def _taken(case: Case, fact: Taken, known: frozenset[str]) -> Case:
    """Give what was held to the part that it answers; it counts from when it came."""
    held = next(one for one in case.held if one.id == fact.held)
    said = held.said._replace(decision=fact.decision)
    left = tuple(one for one in case.held if one is not held)
    return _said(case._replace(held=left), said, known)


def _declined(case: Case, fact: Declined, known: frozenset[str]) -> Case:
    """Keep what was not taken; what intake said by itself waits instead, as what nobody asked for."""
    held = next(one for one in case.held if one.id == fact.held)
    left = tuple(one for one in case.held if one is not held)
    if not held.headers:
        waiting = tuple(sorted((*case.waiting, held.said), key=_arrival))
        return case._replace(known=known, held=left, waiting=waiting)
    declined = (*case.declined, (held, fact))
    return case._replace(known=known, held=left, declined=declined, updated=later(case.updated, fact.at))


# -- told by the clock ----------------------------------------------------------------------------


def _raised(case: Case, fact: Raised, known: frozenset[str]) -> Case:
    escalation = Escalation(fact, None)
    for said in case.waiting:
        if said.causation == fact.id:
            escalation = _heard(escalation, said)
    waiting = tuple(said for said in case.waiting if said.causation != fact.id)
    escalations = tuple(sorted((*case.escalations, escalation), key=lambda one: _arrival(one.raised)))
    updated = later(case.updated, fact.at)
    return case._replace(known=known, escalations=escalations, waiting=waiting, updated=updated)


def _heard(escalation: Escalation, said: Said) -> Escalation:
    """Note when the head said that it has the escalation: the first time counts."""
    if said.organism != escalation.raised.to:
        return escalation
    known = escalation.received_at
    return escalation._replace(received_at=said.at if known is None else min(known, said.at, key=moment))


def _arrival(fact: Said | Happened | Raised) -> tuple[int, str, str]:
    return *moment(fact.at), fact.id


def _order(event: Asked) -> tuple[int, str, str]:
    return *moment(event.time), event.id


def _place(ask: Ask) -> tuple[bool, int, str, str]:
    return ask.acknowledge is None, _ROLES[ask.role], ask.organism, ask.level
