"""Decides when a part of a case has ended: what one organism owes because of one decision.

A part ends with the level asked, or a higher one, with `refused`, with an answer by silence, or when its
event is annulled. `forwarded` ends the part of a lead; of the others it counts as `received`, so that the
common host where a request was lodged still owes its report.
"""

from typing import Final, NamedTuple, assert_never

from coordination.case_facts import Ask, Asked, DeadlineLevel, Moved, Said, Told
from coordination.instants import milliseconds, moment
from schemas.records import Ended, Level

_STEPS: Final[dict[Level, int]] = {
    "registered": 0,
    "received": 1,
    "forwarded": 2,
    "refused": 3,
    "reported": 4,
    "settled": 5,
}
_FULFILS: Final[dict[DeadlineLevel, frozenset[Level]]] = {
    "received": frozenset({"received", "reported", "settled", "forwarded", "refused"}),
    "reported": frozenset({"reported", "settled", "refused"}),
    "resolved": frozenset({"reported", "settled", "refused"}),
    "decided": frozenset({"refused", "settled"}),
    "paid": frozenset({"refused", "settled"}),
}
ANNULLED: Final = "case.annulled"
UPDATED: Final = "case.updated"
NOT_TAKEN: Final = 3
"""The code of a report that says no: nothing will be decided or paid any more."""


class Part(NamedTuple):
    """What one organism owes because of one decision, what it answered, and how its clock stands.

    Beside the acknowledgement asked, every further clock of the case is a part. `event` is the id of the
    event decided on. `due`, `near_ms` and `missed_ms` are those asked, unless an outage moved them.
    """

    decision: str
    event: str
    ask: Ask
    given: tuple[Said, ...]
    due: str
    near_ms: int
    missed_ms: int
    done_ms: int | None
    ended: Ended | None
    near_at: str | None
    missed_at: str | None


def answered(part: Part, said: Said) -> Part:
    """Return a part with what its organism said."""
    ask, given, done_ms, ended = part.ask, part.given, part.done_ms, part.ended
    if ask.acknowledge is not None:
        given = (*given, said)
        if len(given) > 1 and _STEPS[given[-2].level] >= _STEPS[said.level]:
            given = tuple(sorted(given, key=_step))
    if ends(ask, said):
        done_ms, ended = _earlier(part, said.at, "answered")
    decision, event, _, _, due, near_ms, missed_ms, _, _, near_at, missed_at = part
    return Part(decision, event, ask, given, due, near_ms, missed_ms, done_ms, ended, near_at, missed_at)


def _step(said: Said) -> tuple[int, int, str, str]:
    return _STEPS[said.level], *moment(said.at), said.id


def ends(ask: Ask, said: Said) -> bool:
    """Return whether an organism has done its part by saying this.

    Who hands a case over has done its part; who forwards a request that reached it, only if it was to lead.
    """
    if said.level in _FULFILS[ask.level]:
        return True
    if said.level == "forwarded":
        return ask.role == "lead" or said.decision is not None
    return ask.acknowledge is None and said.code == NOT_TAKEN


def _end(part: Part, at: str, how: Ended) -> Part:
    done_ms, ended = _earlier(part, at, how)
    return part._replace(done_ms=done_ms, ended=ended)


def _earlier(part: Part, at: str, how: Ended) -> tuple[int, Ended]:
    """Return when a part ended, and how: of what may end it, the earliest counts."""
    new = milliseconds(at), how
    return new if part.done_ms is None or part.ended is None else min((part.done_ms, part.ended), new)


def stopped(part: Part, own: Asked, name: str, at: str) -> Part:
    """End a clock of the event `own` beside the acknowledgements when what it waits for is known.

    A difference of rights that opens anew is not resolved by what resolved it before.
    """
    ask = part.ask
    if ask.until != name or (ask.level == "resolved" and milliseconds(at) < milliseconds(own.time)):
        return part
    return _end(part, at, "stopped")


def corrected(part: Part, own: Asked, correction: Asked) -> Part:
    """Return a part of the event `own` once a correction is known.

    An annulment ends all that was asked because of the event, and of earlier corrections of it. An update
    starts the further clocks anew, so it ends those that ran.
    """
    if not _is_corrected(own, correction):
        return part
    if correction.name == ANNULLED or part.ask.acknowledge is None:
        return _end(part, correction.at, "annulled")
    return part


def _is_corrected(own: Asked, correction: Asked) -> bool:
    if correction.corrects is None:
        return False
    if own.corrects == correction.corrects:
        return (milliseconds(own.at), own.id) < (milliseconds(correction.at), correction.id)
    return correction.corrects == (own.event, own.source)


def is_meant(part: Part, fact: Told | Moved) -> bool:
    """Return whether the clock speaks of this part."""
    ask = part.ask
    return (part.decision, ask.organism, ask.level) == (fact.decision, fact.organism, fact.level)


def told(part: Part, fact: Told) -> Part:
    """Return a part of whose deadline the clock has spoken."""
    match fact.signal:
        case "near":
            return part._replace(near_at=fact.at)
        case "missed":
            return part._replace(missed_at=fact.at)
        case "silence":
            return _end(part, fact.at, "silence")
        case _:
            assert_never(fact.signal)


def moved(part: Part, fact: Moved) -> Part:
    """Return a part whose deadline an outage has moved."""
    return part._replace(due=fact.due, near_ms=fact.near_ms, missed_ms=fact.missed_ms)
