"""Decides whether a case takes an acknowledgement that names no part of it: from the organism's own system.

Taken only from an organism that has a part in the case, and in a state that allows it: `reported` once,
after `received` or directly; `settled` after `reported`, of social aid after the CPSTI has decided (CSS art.
L612-4, L); `refused` before `reported`. The same again is no news; another answer contradicts the first. A
late one is taken, and is late. Own worked example (unverified).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from coordination.case_facts import Held
from coordination.case_parts import Part
from coordination.cases import Case
from coordination.reporting import reports_by_itself
from schemas.records import Level

OWN_SOURCE: Final = "urn:l233:"
GRACE_MS: Final = 3_600_000
"""An hour: for what a case is to know before it can judge, should it come later than the acknowledgement."""

_ANSWERS: Final[frozenset[Level]] = frozenset({"refused", "reported", "settled"})
_CODES: Final = range(4)
_AID: Final = "social-aid.requested"
_DECIDED: Final = "social-aid.decided"


@dataclass(frozen=True, slots=True)
class Taken:
    """It answers this part."""

    part: Part


@dataclass(frozen=True, slots=True)
class Again:
    """The same was said before."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It is not taken: `path` is what is wrong with it, a JSON pointer."""

    reason: Literal["not_allowed", "conflicting_duplicate"]
    path: str
    why: str


Judgement = Taken | Again | NotTaken
_AGAIN: Final = Again()


def is_ready(case: Case, held: Held) -> bool:
    """Return whether the case knows what it needs to judge an acknowledgement.

    What came through intake has a decision of its own, behind all decisions that were taken before. Of what
    came another way, and of what intake says by itself, a part must be known that takes it.
    """
    if held.decided:
        return any((event.event, event.source) == (held.said.id, held.source) for event in case.events)
    return isinstance(judge(case, held), Taken)


def judge(case: Case, held: Held) -> Judgement:
    """Return what a case makes of an acknowledgement, by what it knows now."""
    said = held.said
    wrong = _form(held)
    if wrong is not None:
        return wrong
    own = [part for part in case.parts if part.ask.organism == said.organism and part.ask.acknowledge]
    if not own:
        return NotTaken("not_allowed", "/data/organism", f"{said.organism} has no part in this case")
    parts = [part for part in own if said.causation in (None, part.event)]
    if not parts:
        why = f"{said.organism} was not asked about an event {said.causation!r} of this case"
        return NotTaken("not_allowed", "/causationid", why)
    standing = [part for part in parts if part.ended != "annulled"]
    if not standing:
        return NotTaken("not_allowed", "/correlationid", "the event is annulled: nothing is to be answered")
    if said.level == "settled":
        return _settled(case, standing)
    return _answered(case, held, standing)


def _form(held: Held) -> NotTaken | None:
    """Return what is wrong with an acknowledgement by itself: it may not have come through intake."""
    said = held.said
    if held.headers and said.level not in _ANSWERS:
        why = f"{said.level} is said by l233 itself: a system says reported, settled or refused"
        return NotTaken("not_allowed", "/type", why)
    if said.level == "reported" and said.code not in _CODES:
        return NotTaken("not_allowed", "/data/code", "expected an integer, 0 to 3")
    return None


def _answered(case: Case, held: Held, parts: Sequence[Part]) -> Judgement:
    """Judge a report, a refusal or a forwarding: once per part, to the one that waits for it first."""
    said = held.said
    waiting = [part for part in parts if not _levels(part) & _ANSWERS]
    if waiting:
        return Taken(min(waiting, key=lambda part: _urgency(case, part)))
    last = parts[-1]
    before = next(given for given in last.given if given.level in _ANSWERS)
    if (before.level, before.code) == (said.level, said.code):
        return _AGAIN
    code = "" if before.code is None else f" with code {before.code}"
    why = f"{said.organism} has {before.level}{code} before: send a correction of what has changed"
    return NotTaken("conflicting_duplicate", "/data/code" if said.level == "reported" else "/type", why)


def _settled(case: Case, parts: Sequence[Part]) -> Judgement:
    reported = [part for part in parts if "reported" in _levels(part)]
    if not reported:
        return NotTaken("not_allowed", "/type", "nothing is reported yet: report first, then settle")
    decided = any(event.name == _DECIDED for event in case.events)
    allowed = [part for part in reported if decided or case.event_of(part.decision).name != _AID]
    if not allowed:
        return NotTaken("not_allowed", "/type", "the CPSTI has not decided yet: settle once the aid is paid")
    open_ = [part for part in allowed if "settled" not in _levels(part)]
    return Taken(open_[0]) if open_ else _AGAIN


def _levels(part: Part) -> frozenset[Level]:
    return frozenset(given.level for given in part.given)


def _urgency(case: Case, part: Part) -> tuple[bool, bool, int]:
    """Order parts that could take an answer: those whose report nobody gives by itself come first."""
    by_itself = reports_by_itself(case.event_of(part.decision).name, part.ask.role)
    return part.ask.acknowledge != "reported", by_itself, case.parts.index(part)
