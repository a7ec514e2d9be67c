"""Decides what a national head asks of an organism that is late: an answer within five working days.

Own worked example (unverified: the statute is silent).
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from coordination.calendar import Delay, deadline
from coordination.directory import Directory
from schemas.records import Mandate

REMINDED_WITHIN: Final = Delay(5, "working days")
BASIS: Final = "reminder by the national head: example scheme, 5 working days"


def reminder(mandate: Mandate, late: str, at: str, directory: Directory) -> Mandate:
    """Return what a head asks of the organism that is late, from what an escalation asks of the head.

    The part of the organism in the case stays as it was; of the reminder it owes a report, as a support does.

    Args:
        mandate: what the escalation asks of the head.
        late: the organism that is late; its own calendar counts.
        at: when the head received the escalation, RFC 3339: the reminder goes out with that.
        directory: organisms with their time zones and holidays.
    """
    found = directory.named(late)
    return replace(
        mandate,
        organism=late,
        role="support",
        acknowledge="reported",
        by=deadline(datetime.fromisoformat(at), REMINDED_WITHIN, found.organism.zone, found.holidays),
        basis=BASIS,
        status="example",
    )
