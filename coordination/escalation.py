"""Decides what a national head asks of an organism that is late: an answer within five working days.

Own worked example (unverified: the statute is silent).
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from coordination.calendar import Delay, deadline
from coordination.directory import Directory
from schemas.records import EventRef, Mandate

REMINDED_WITHIN: Final = Delay(5, "working days")
BASIS: Final = "reminder by the national head: example scheme, 5 working days"


def remind_by(directory: Directory, organism: str, escalated: datetime) -> str:
    """Return the last second in which a reminded organism answers in time, as RFC 3339 text.

    Args:
        directory: organisms with their time zones and holidays.
        organism: the one that is late.
        escalated: when the head was told, aware.
    """
    found = directory.named(organism)
    return deadline(escalated, REMINDED_WITHIN, found.organism.zone, found.holidays)


def reminder(mandate: Mandate, late: str, escalation: EventRef, directory: Directory) -> Mandate:
    """Return what a head asks of the organism that is late, from what an escalation asks of the head.

    The organism has the part in the case that it had: it is asked for its report, as a lead or a support is.
    """
    by = remind_by(directory, late, datetime.fromisoformat(escalation.time))
    return replace(
        mandate,
        organism=late,
        role="support",
        acknowledge="reported",
        by=by,
        basis=BASIS,
        status="example",
    )
