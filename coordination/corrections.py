"""Decides what a correction is about and whether it may be: `case.updated` and `case.annulled`.

A correction goes to exactly the recipients of the event that it corrects, in their roles; what it asks of
each role, and by when, the scheme's rule for corrections says. Nothing is rewritten: the event that was wrong
stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from coordination import remembered
from coordination.expressions import AsCorrected, Fixed
from coordination.rulebook import CORRECTED, Assignment, Rule
from coordination.verdicts import Memory
from schemas.events import EventData, type_of
from schemas.follow_ups import ACKNOWLEDGEMENTS, CaseAnnulled, CaseUpdated
from schemas.records import CorrectedEvent, Recipient, Situation
from schemas.refusal import Refusal, Violation, listed
from schemas.validation import Event, read_data

_NOT_CORRECTABLE: Final = ACKNOWLEDGEMENTS | {"case.updated", "case.annulled", "case.forwarded"}
_UNKNOWN: Final = "expected an event of this worker that was registered: no such id and source is known"
_TOO_OLD: Final = "expected an event since corrections are taken: send what is right as a new event"
_OF_A_CORRECTION: Final = "expected an event: a correction, forwarding or acknowledgement is not corrected"
_ANNULLED: Final = "expected an event that holds: this one is annulled"
_OTHER_CASE: Final = "expected the case of the corrected event, as its receipt names it"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The event that a correction is about, as it was routed; `says` is what it says now, None: annulled."""

    ref: CorrectedEvent
    recipients: tuple[Recipient, ...]
    situation: Situation | None
    origin: bytes
    says: EventData | None
    writes: Mapping[bytes, bytes]


def corrected_by(event: Event, said: CaseUpdated | CaseAnnulled, memory: Memory) -> Corrected | Refusal:
    """Return what a correction is about, or the refusal `contract` with every violation."""
    key = remembered.seen_key(event.subject, said.source, said.event)
    stored = memory.get(key)
    if stored is None:
        return _refusal(Violation("/data/event", _UNKNOWN))
    known = remembered.recall(stored)
    if known is None:
        return _refusal(Violation("/data/event", _TOO_OLD))
    if known.name in _NOT_CORRECTABLE:
        return _refusal(Violation("/data/event", _OF_A_CORRECTION))
    violations = [Violation("/data/event", _ANNULLED)] if known.annulled else []
    if known.receipt.case != event.correlationid:
        violations.append(Violation("/correlationid", _OTHER_CASE))
    says = read_data(known.name, said.data, violations, "data") if isinstance(said, CaseUpdated) else None
    if violations:
        return _refusal(*violations)
    return Corrected(
        ref=CorrectedEvent(said.event, said.source, type_of(known.name)),
        recipients=known.receipt.recipients,
        situation=known.situation,
        origin=remembered.origin_of(key),
        says=says,
        writes={} if isinstance(said, CaseUpdated) else {key: remembered.annulled(stored)},
    )


def _refusal(*violations: Violation) -> Refusal:
    return Refusal("contract", listed(violations))


def rule_of(rule: Rule, corrected: Corrected) -> Rule:
    """Return the rule for corrections with everybody filled in whom the corrected event was given to."""
    assignments = tuple(
        Assignment(assignment.role, Fixed(to.organism), assignment.obligation)
        for assignment in rule.assignments
        for to in _meant(assignment, corrected.recipients)
    )
    activity = corrected.recipients[0].activity if rule.activity == CORRECTED else rule.activity
    return replace(rule, activity=activity, assignments=assignments)


def _meant(assignment: Assignment, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    match assignment.expression:
        case AsCorrected(role):
            return tuple(to for to in recipients if to.role == role)
        case _:
            return ()
