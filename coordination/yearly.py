"""Decides what the national heads report to the CPSTI for a year: what stayed open after their reminders.

Source: CSS art. L612-1 (L): at least yearly. That a missed deadline is escalated, and that the head's
reminder gives five working days, is the example scheme's (X).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from coordination.periods import Period, day_of
from schemas.records import CaseClock, CaseEscalation, CaseRecipient, CaseState

Standing = Literal["answered", "open", "reminded", "unheard"]
"""answered: by the end of the reminder. open: not by then. reminded: it still runs. unheard: the head has not
said that it received the escalation, so that nobody was reminded."""


@dataclass(frozen=True, slots=True)
class Escalated:
    """An escalation of the year, and how it stands. Of the worker nothing is told."""

    head: str
    case: str
    organism: str
    activity: str | None
    level: str
    escalated: str
    remind_by: str | None
    answered: str | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class HeadReport:
    """One head's part of the yearly report."""

    head: str
    year: str
    escalated: int
    answered: int
    open: tuple[Escalated, ...]
    """What stayed open after the reminder, and what nobody was reminded of: the oldest first."""


def yearly(
    cases: Iterable[CaseState], year: Period, as_of: datetime, heads: Iterable[str]
) -> tuple[HeadReport, ...]:
    """Return the report of every head, also of one to which nothing was escalated.

    Args:
        cases: the latest state of every case.
        year: an escalation belongs to the year in which its reminder ends, or, without one, was raised.
        as_of: when the report is made, aware: what happened later is not known.
        heads: the heads, in the order in which they report.
    """
    found = [one for case in cases for one in _of(case, as_of) if _day(one) in year]
    return tuple(_report(head, year, [one for one in found if one.head == head]) for head in heads)


def _day(one: Escalated) -> date:
    return day_of(datetime.fromisoformat(one.remind_by or one.escalated))


def _of(case: CaseState, as_of: datetime) -> Iterator[Escalated]:
    for escalation in case.escalations:
        if datetime.fromisoformat(escalation.at) <= as_of:
            part = _part(case, escalation)
            yield Escalated(
                head=escalation.to,
                case=case.case,
                organism=escalation.organism,
                activity=part.activity if isinstance(part, CaseRecipient) else None,
                level=escalation.level,
                escalated=escalation.at,
                remind_by=escalation.remind_by,
                answered=None if part is None else part.done_at,
                standing=_standing(escalation, part, as_of),
            )


def _part(case: CaseState, escalation: CaseEscalation) -> CaseRecipient | CaseClock | None:
    """Return the part of a case that an escalation is about."""
    for clock in case.clocks:
        if (clock.decision, clock.organism, clock.level) == _about(escalation):
            return clock
    for part in case.recipients:
        if (part.decision, part.organism, part.acknowledge) == _about(escalation):
            return part
    return None


def _about(escalation: CaseEscalation) -> tuple[str, str, str]:
    return escalation.decision, escalation.organism, escalation.level


def _standing(
    escalation: CaseEscalation, part: CaseRecipient | CaseClock | None, as_of: datetime
) -> Standing:
    done = None if part is None or part.done_at is None else datetime.fromisoformat(part.done_at)
    if escalation.remind_by is None:
        return "unheard" if done is None or done > as_of else "answered"
    end = datetime.fromisoformat(escalation.remind_by)
    if done is not None and done <= min(end, as_of):
        return "answered"
    return "open" if as_of > end else "reminded"


def _report(head: str, year: Period, found: list[Escalated]) -> HeadReport:
    open_ = sorted(
        (one for one in found if one.standing in ("open", "unheard")),
        key=lambda one: (datetime.fromisoformat(one.escalated), one.case, one.organism, one.level),
    )
    answered = sum(one.standing == "answered" for one in found)
    return HeadReport(head, year.text, len(found), answered, tuple(open_))
