"""Decides what the legal clock says, and when: a deadline near, missed, escalated, or answered by silence.

Near is one working day of the organism's territory before the last day, at the same time of day; for
`received` four hours before. Missed is the first instant after, and escalated the same. What silence means
stands with what is asked: at the end of CSS art. R611-2 (L) it is an answer. The distances are our own worked
example, unverified.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from coordination import ids
from coordination.calendar import is_working_day
from coordination.case_facts import DeadlineLevel, Moved, Raised, Signal, Told
from coordination.case_parts import Part
from coordination.cases import Case, fold
from coordination.instants import instant, milliseconds
from coordination.outages import NO_OUTAGES, Outages, moved_due
from coordination.outside import GRACE_MS

SHORT_NOTICE: Final = timedelta(hours=4)
"""Before the deadline of `received`, which is too short for a day's notice."""
_LOOK_AGAIN_MS: Final = 3_600_000

ClockFact = Told | Raised | Moved


class Instants(NamedTuple):
    """When a deadline comes near and when it has passed, in milliseconds since the epoch."""

    near_ms: int
    missed_ms: int


@lru_cache(maxsize=65_536)
def instants_of(due: str, level: DeadlineLevel, zone: str, holidays: str | None) -> Instants:
    """Return when a deadline comes near and when it has passed.

    Args:
        due: its last second, RFC 3339.
        level: what it waits for.
        zone: the organism's time zone.
        holidays: the subdivision whose public holidays count, None for the national ones.
    """
    last = datetime.fromisoformat(due).astimezone(ZoneInfo(zone))
    near = last - SHORT_NOTICE if level == "received" else _working_day_before(last, holidays)
    return Instants(_milliseconds(near), _milliseconds(last) + 1_000)


def _working_day_before(last: datetime, holidays: str | None) -> datetime:
    """Return the same time of day, on the wall, of the working day before."""
    day = last.date() - timedelta(days=1)
    while not is_working_day(day, holidays):
        day -= timedelta(days=1)
    return datetime.combine(day, last.timetz())


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def next_instant(case: Case) -> int | None:
    """Return when the clock has something to say of a case next, None when nothing runs any more."""
    instants = [at for at in map(_next_of, case.parts) if at is not None]
    instants += [milliseconds(held.said.at) + GRACE_MS for held in case.held]
    return min(instants, default=None)


def _next_of(part: Part) -> int | None:
    """Return when a part's deadline speaks next.

    What was given at the very instant averts a warning, but is too late for the deadline itself.
    """
    if part.missed_at is not None:
        return None
    done = part.done_ms
    if part.near_at is None and (done is None or done > part.near_ms):
        return part.near_ms
    if done is None or (done >= part.missed_ms and part.ended != "silence"):
        return part.missed_ms
    return None


Heads = Callable[[str, str], Sequence[str]]
"""(scheme version, organism) -> the national heads that its missed deadlines go to."""


class Law(NamedTuple):
    """What the clock goes by, beside the case."""

    heads: Heads
    outages: Outages = NO_OUTAGES


def due(case: Case, now_ms: int, law: Law) -> Sequence[ClockFact]:
    """Return what the clock says of a case by an instant: in order, each thing once. Fold all of it.

    A deadline that an outage has moved is said to be moved; it speaks when it is due then.
    """
    facts: list[ClockFact] = []
    while True:
        pending = [(at, index) for index, part in enumerate(case.parts) if (at := _next_of(part)) is not None]
        if not pending or min(pending)[0] > now_ms:
            return facts
        at_ms, index = min(pending)
        said = _speak(case, case.parts[index], at_ms, now_ms, law)
        facts.extend(said)
        for fact in said:
            case = fold(case, fact)


def _speak(case: Case, part: Part, at_ms: int, now_ms: int, law: Law) -> Sequence[ClockFact]:
    """Return what the clock says of one part at one instant."""
    if part.ask.organism in law.outages.by_organism:
        shift = _shift(case, part, now_ms, law.outages)
        if shift is not None:
            return [shift]
    event, ask, at = case.event_of(part.decision), part.ask, instant(at_ms)
    subject = event.identity(case.worker)

    def told(signal: Signal, name: str) -> Told:
        id_ = ids.emitted_id(subject, event.scheme, name, ask.organism, f"{name}/{ask.level}")
        return Told(id_, at, signal, part.decision, ask.organism, ask.level)

    if at_ms < part.missed_ms:
        return [told("near", "deadline.near")]
    if ask.silence == "answered":
        return [told("silence", "radiation.answered")]
    raised = [
        Raised(
            ids.emitted_id(
                subject,
                event.scheme,
                "escalation.raised",
                ask.organism,
                f"escalation.raised/{to}/{ask.level}",
            ),
            at,
            to,
            part.decision,
            ask.organism,
            ask.level,
        )
        for to in law.heads(event.scheme, ask.organism)
    ]
    return [told("missed", "deadline.missed"), *raised]


def _shift(case: Case, part: Part, now_ms: int, outages: Outages) -> Moved | None:
    """Return how the outages known now move a part's deadline; None when it stands where it did.

    While an outage goes on nothing is due: look again when it would be, did the outage end now, and not
    sooner than in an hour.
    """
    ask, start_ms = part.ask, milliseconds(case.event_of(part.decision).time)
    missed_ms = instants_of(ask.by, ask.level, ask.zone, ask.holidays).missed_ms
    stood = outages.standstill(ask.organism, start_ms, missed_ms, now_ms)
    by = moved_due(ask.by, stood, ZoneInfo(ask.zone), ask.holidays)
    found = instants_of(by, ask.level, ask.zone, ask.holidays)
    if outages.ongoing(ask.organism, now_ms):
        soonest = now_ms + _LOOK_AGAIN_MS
        found = Instants(max(found.near_ms, soonest), max(found.missed_ms, soonest + 1_000))
    if (by, *found) == (part.due, part.near_ms, part.missed_ms):
        return None
    id_ = ids.uuid5(
        "moved", case.worker, case.id, part.decision, ask.organism, ask.level, by, str(found.near_ms)
    )
    return Moved(id_, instant(now_ms), part.decision, ask.organism, ask.level, by, *found)
