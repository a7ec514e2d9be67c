"""Decides what a follow-up is about: the event it corrects, the organisms that a case was handed through.

A request that went from one organism to another may not come back to one that had it before: that is a
circle, and the worker would wait in it for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coordination import remembered
from coordination.acknowledgement import Acknowledgement
from coordination.corrections import Corrected, corrected_by
from coordination.situation import History
from coordination.verdicts import Memory
from schemas.emitted import AcknowledgementForwarded
from schemas.events import EventData
from schemas.follow_ups import CaseAnnulled, CaseForwarded, CaseUpdated
from schemas.records import Decision
from schemas.refusal import Refusal, Violation
from schemas.validation import Event

_CIRCLE: Final = Refusal(
    "contract",
    (Violation("/data/to", "expected an organism that has not had the case: this goes in a circle"),),
)


@dataclass(frozen=True, slots=True)
class About:
    """What a follow-up is about: the corrected event, if it is a correction; and what to remember of it."""

    corrected: Corrected | None = None
    writes: Mapping[bytes, bytes] = field(default_factory=dict)


NOTHING: Final = About()
"""What an event of the table is about."""


def about(event: Event, memory: Memory) -> About | Refusal:
    """Return what a follow-up is about, or the refusal `contract` when it does not fit what went before."""
    data: EventData = event.data
    match data:
        case CaseUpdated() | CaseAnnulled():
            found = corrected_by(event, data, memory)
            return found if isinstance(found, Refusal) else About(found, found.writes)
        case CaseForwarded():
            key = remembered.handed_key(event.subject, _case_of(event))
            had = remembered.organisms_of(memory.get(key))
            if data.to in had:
                return _CIRCLE
            return About(writes={key: remembered.of_organisms((*had, data.organism, data.to))})
        case _:
            return NOTHING


def _case_of(event: Event) -> str:
    if event.correlationid is None:
        raise ValueError(f"{event.name} without a case: its contract asks for correlationid")
    return event.correlationid


def learned(history: History, event: Event, of: About, origin: bytes) -> History:
    """Return what is known of the worker once an event or a correction is; the same when nothing changes."""
    if of.corrected is None:
        return history.after(event.data, origin)
    return history.corrected(of.corrected.says, of.corrected.origin)


def handed_on(decision: Decision, given: Sequence[Acknowledgement]) -> Mapping[bytes, bytes]:
    """Return what to remember of a request that reached another organism than the one that leads."""
    for said in given:
        if isinstance(said.data, AcknowledgementForwarded) and said.causation is not None:
            key = remembered.handed_key(decision.event.subject, decision.case)
            return {key: remembered.of_organisms((said.data.organism, said.data.to))}
    return {}
