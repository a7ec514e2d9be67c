"""Decides what a case says aloud: what is settled, what the clock says, and to which head it goes."""

from datetime import datetime
from functools import lru_cache
from typing import Final, assert_never

from coordination import ids
from coordination.calendar import Delay, deadline
from coordination.case_facts import Held, Raised, Told
from coordination.case_parts import Part
from coordination.cases import Case
from coordination.directory import Directory
from coordination.outcomes import Outcome
from coordination.outside import NotTaken
from schemas.emitted import (
    AcknowledgementSettled,
    DeadlineMissed,
    DeadlineNear,
    EscalationRaised,
    RadiationAnswered,
)
from schemas.events import Contract
from schemas.records import InputRef, Mandate, Receipt
from schemas.refusal import Violation

HEARD_WITHIN: Final = Delay(1, "working days")
"""Within which a national head acknowledges an escalation (own example, unverified)."""


@lru_cache(maxsize=1_024)
def settled(organism: str) -> bytes:
    """Return the data of the acknowledgement by which a lead says that an event is settled."""
    return AcknowledgementSettled(organism=organism, role="lead").to_json()


def outcome(case: Case, fact: Told | Raised) -> Outcome:
    """Return what the clock says as an event."""
    name, data = _said(part_of(case, fact), fact)
    causation = case.event_of(fact.decision).event
    return Outcome(fact.id, name, data, causation, case.id, case.worker, fact.at, data.to_json())


def _said(part: Part, fact: Told | Raised) -> tuple[str, Contract]:
    if isinstance(fact, Raised):
        return "escalation.raised", EscalationRaised(to=fact.to, organism=fact.organism, level=fact.level)
    match fact.signal:
        case "near":
            return "deadline.near", _deadline(DeadlineNear, part)
        case "missed":
            return "deadline.missed", _deadline(DeadlineMissed, part)
        case "silence":
            answer = RadiationAnswered(organism=fact.organism, objection=False, by_silence=True)
            return "radiation.answered", answer
        case _:
            assert_never(fact.signal)


def _deadline(model: type[DeadlineNear] | type[DeadlineMissed], part: Part) -> Contract:
    return model(organism=part.ask.organism, level=part.ask.level, due=part.due)


def part_of(case: Case, fact: Told | Raised) -> Part:
    """Return the part that something said by the clock is about."""
    meant = fact.decision, fact.organism, fact.level
    return next(part for part in case.parts if (part.decision, part.ask.organism, part.ask.level) == meant)


def mandate_of_head(case: Case, raised: Raised, directory: Directory) -> Mandate:
    """Return what a national head is asked with an escalation: to receive it."""
    ask = part_of(case, raised).ask
    head = directory.named(raised.to)
    by = deadline(datetime.fromisoformat(raised.at), HEARD_WITHIN, head.organism.zone, head.holidays)
    return Mandate(
        case=case.id,
        organism=raised.to,
        role="informed",
        activity=ask.activity,
        acknowledge="received",
        by=by,
        basis=ask.basis,
        status=ask.status,
        scheme=case.event_of(raised.decision).scheme,
    )


def mandate_of_part(case: Case, part: Part) -> Mandate:
    """Return what a part of a case asks of its organism."""
    ask = part.ask
    return Mandate(
        case=case.id,
        organism=ask.organism,
        role=ask.role,
        activity=ask.activity,
        acknowledge=ask.acknowledge or "received",
        by=part.due,
        basis=ask.basis,
        status=ask.status,
        scheme=case.event_of(part.decision).scheme,
    )


def refused_receipt(case: Case, held: Held, found: NotTaken) -> Receipt:
    """Return the receipt for an acknowledgement from outside that is not taken."""
    said = held.said
    return Receipt(
        id=ids.uuid5("not-taken", held.source, said.id, case.worker, case.id),
        verdict="refused",
        event=InputRef(said.id, held.source, case.worker),
        reason=found.reason,
        errors=(Violation(found.path, found.why),),
        scheme=None,
        case=case.id,
        recipients=(),
        unresolved=(),
    )
