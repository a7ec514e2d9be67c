"""Decides how a case is shown: the public state of a case, `schemas.records.CaseState`, as JSON.

Written by hand: the values that an adapter would write cost more to make than the text itself.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Final
from zoneinfo import ZoneInfo

from coordination import ids
from coordination.calendar import deadline
from coordination.case_facts import Asked, Declined, Happened, Held, Said
from coordination.case_messages import MISMATCH
from coordination.case_parts import ANNULLED, UPDATED, Part
from coordination.cases import Case, Escalation
from coordination.escalation import REMINDED_WITHIN
from coordination.instants import instant, milliseconds, moment
from schemas.events import type_of
from schemas.records import CASE, CaseState


def state_of(case: Case) -> CaseState:
    """Return the public state of a case."""
    return CASE.validate_json(published(case))


def published(case: Case) -> bytes:
    """Return the public state of a case as JSON."""
    waiting = [*case.waiting, *(held.said for held in case.held)] if case.held else case.waiting
    opened = case.events[0].time if case.events else waiting[0].at if waiting else case.updated
    registered = _all_registered(case)
    recipients = [_recipient(part, registered) for part in case.parts if part.ask.acknowledge is not None]
    clocks = [_clock(part) for part in case.parts if part.ask.acknowledge is None]
    corrections = [_correction(case, event) for event in case.events if event.corrects is not None]
    escalations = [_escalation(case, one) for one in case.escalations]
    return (
        f'{{"case":{quoted(case.id)},"worker":{quoted(case.worker)},"opened":"{opened}"'
        f',"updated":"{case.updated}","status":"{status(case)}"'
        f',"events":[{",".join([_event(event) for event in case.events])}]'
        f',"recipients":[{",".join(recipients)}]'
        f',"waiting":[{",".join([_waiting(said) for said in waiting])}]'
        f',"clocks":[{",".join(clocks)}]'
        f',"outcomes":[{",".join([_outcome(fact) for fact in case.happened])}]'
        f',"escalations":[{",".join(escalations)}]'
        f',"corrections":[{",".join(corrections)}]'
        f',"declined":[{",".join([_declined(*one) for one in case.declined])}]}}'
    ).encode()


def status(case: Case) -> str:
    """Return whether a case is open: somebody still owes something, or nobody was asked yet.

    Of a case that nobody opened, but that somebody acknowledged, nothing is expected.
    """
    known = case.parts or case.declined
    return "closed" if known and all(part.done_ms is not None for part in case.parts) else "open"


def _or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _texts(texts: Iterable[str]) -> str:
    return f"[{','.join(map(quoted, texts))}]"


def _event(event: Asked) -> str:
    return (
        f'{{"id":{quoted(event.event)},"source":{quoted(event.source)},"type":{quoted(type_of(event.name))}'
        f',"time":"{event.time}","decision":{quoted(event.id)}}}'
    )


def _recipient(part: Part, registered: Iterable[Said]) -> str:
    ask = part.ask
    given = ",".join([_given(said, part.missed_ms) for said in _told(part, registered)])
    return (
        f'{{"decision":{quoted(part.decision)},"organism":{quoted(ask.organism)},"role":"{ask.role}"'
        f',"activity":{quoted(ask.activity)},"acknowledge":"{ask.acknowledge}","by":"{ask.by}"'
        f',"given":[{given}],{_timing(part)}}}'
    )


def _clock(part: Part) -> str:
    ask = part.ask
    return (
        f'{{"decision":{quoted(part.decision)},"organism":{quoted(ask.organism)},"level":"{ask.level}"'
        f',"until":{_or_null(ask.until)},{_timing(part)}}}'
    )


def _timing(part: Part) -> str:
    """Show how the clock of a part stands."""
    done = None if part.done_ms is None else instant(part.done_ms)
    return (
        f'"due":"{part.due}","near_at":{_or_null(part.near_at)},"missed_at":{_or_null(part.missed_at)}'
        f',"done_at":{_or_null(done)},"ended":{_or_null(part.ended)}'
    )


def _told(part: Part, registered: Iterable[Said]) -> Iterable[Said]:
    """Return all that is said of a part: that it is registered, then what its organism said.

    An acknowledgement names its event by the id alone: of two events with one id, both decisions tell it.
    """
    about = part.ask.organism, part.event
    return *[said for said in registered if (said.organism, said.causation) == about], *part.given


def _all_registered(case: Case) -> Sequence[Said]:
    """Return what intake said with the decisions of a case, in the order of time."""
    decided = [event for event in case.events if event.name != MISMATCH]
    found = [said for event in decided for said in _registered(case.worker, event)]
    return sorted(found, key=lambda said: (moment(said.at), said.id)) if len(decided) > 1 else found


@lru_cache(maxsize=2_048)
def _registered(worker: str, event: Asked) -> Sequence[Said]:
    """Return what intake said with a decision, as `acknowledgement.with_decision` has it."""
    about = event.identity(worker)
    given = []
    for organism in dict.fromkeys([ask.organism for ask in event.asks]):
        id_ = ids.emitted_id(about, event.scheme, event.name, organism, "registered")
        given.append(Said(id_, event.at, "registered", organism, event.event, None, None))
    return given


def _given(said: Said, missed_ms: int) -> str:
    """Show an answer; what came once the deadline had passed is late."""
    late = "true" if milliseconds(said.at) >= missed_ms else "false"
    code = "null" if said.code is None else said.code
    return f'{{"id":{quoted(said.id)},"level":"{said.level}","at":"{said.at}","code":{code},"late":{late}}}'


def _waiting(said: Said) -> str:
    return (
        f'{{"id":{quoted(said.id)},"organism":{quoted(said.organism)},"level":"{said.level}"'
        f',"at":"{said.at}","causation":{_or_null(said.causation)}}}'
    )


def _outcome(fact: Happened) -> str:
    return (
        f'{{"id":{quoted(fact.id)},"name":{quoted(fact.name)},"organism":{quoted(fact.organism)}'
        f',"at":"{fact.at}","causation":{_or_null(fact.causation)}}}'
    )


def _escalation(case: Case, one: Escalation) -> str:
    raised = one.raised
    return (
        f'{{"id":{quoted(raised.id)},"to":{quoted(raised.to)},"decision":{quoted(raised.decision)}'
        f',"organism":{quoted(raised.organism)},"level":"{raised.level}","at":"{raised.at}"'
        f',"received_at":{_or_null(one.received_at)},"remind_by":{_or_null(_remind_by(case, one))}}}'
    )


def _remind_by(case: Case, one: Escalation) -> str | None:
    """Return by when the organism is to answer its head's reminder, which goes out with the reception."""
    if one.received_at is None:
        return None
    ask = next(
        part.ask
        for part in case.parts
        if (part.decision, part.ask.organism) == (one.raised.decision, one.raised.organism)
    )
    return deadline(
        datetime.fromisoformat(one.received_at), REMINDED_WITHIN, ZoneInfo(ask.zone), ask.holidays
    )


def _declined(held: Held, fact: Declined) -> str:
    said = held.said
    return (
        f'{{"id":{quoted(said.id)},"organism":{quoted(said.organism)},"level":"{said.level}"'
        f',"at":"{said.at}","why":{quoted(fact.why)}}}'
    )


def _correction(case: Case, event: Asked) -> str:
    """Show a correction with everything that depended on the corrected event."""
    corrected, source = event.corrects or ("", "")
    decisions = [one.id for one in case.events if (one.event, one.source) == (corrected, source)]
    parts = [part for part in case.parts if part.decision in decisions]
    at_ms = milliseconds(event.at)
    running = [
        f"{part.ask.organism} {part.ask.level} {part.due}"
        for part in parts
        if part.done_ms is None or part.done_ms >= at_ms
    ]
    registered = _all_registered(case)
    given = dict.fromkeys(said.id for part in parts for said in _told(part, registered))
    outcomes = [fact.id for fact in case.happened if fact.causation == corrected]
    kind = _CORRECTIONS[event.name]
    return (
        f'{{"event":{quoted(corrected)},"source":{quoted(source)},"by":{quoted(event.event)},"kind":"{kind}"'
        f',"at":"{event.at}","decisions":{_texts(decisions)},"acknowledgements":{_texts(given)}'
        f',"outcomes":{_texts(outcomes)},"deadlines":{_texts(running)}}}'
    )


_CORRECTIONS: Final = {UPDATED: "updated", ANNULLED: "annulled"}
