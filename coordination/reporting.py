"""Decides which organisms report by themselves, and which wait for the word of their own system.

Own worked example (unverified: the statute is silent). The treatment of what concerns the activity and the
contributions is automatic: a register, a ledger, informing the others. Wherever a person examines, decides or
answers, nobody speaks for the organism.
"""

from typing import Final

from coordination.rulebook import Role

REPORTED_BY_THEIR_LEAD: Final = frozenset(
    {
        "activity.registered",
        "activity.modified",
        "activity.ceased",
        "territory.changed",
        "radiation.envisaged",
        "radiation.decided",
        "income.declared",
        "turnover.declared",
        "contribution.called",
        "contribution.paid",
        "contribution.unpaid",
        "payment-delay.granted",
        "payment-delay.broken",
    }
)
"""The families activity and contributions: what the lead does with them needs nobody."""

EXAMINED_BY_THEIR_SUPPORTS: Final = frozenset({"radiation.envisaged", "difficulty.detected"})
"""The supports' own answer is what is asked. Radiation: CSS art. R611-2 (L)."""

FOLLOW_UPS: Final = frozenset(
    {
        "social-aid.decided",
        "radiation.answered",
        "acknowledgement.reported",
        "acknowledgement.settled",
        "acknowledgement.refused",
        "case.updated",
        "case.annulled",
        "case.clarified",
        "case.forwarded",
        "rights.mismatch",
        "escalation.raised",
    }
)
"""What follows in a case that is open: to have received it is all that happens by itself."""


def reports_by_itself(name: str, role: Role) -> bool:
    """Return whether an organism in this role reports code 0 on an event without being told to.

    A correction is reported as what it corrects: ask with the name of the event that `case.updated` or
    `case.annulled` is about. By their own names they are not.

    Args:
        name: the event's name, such as `contribution.paid`.
        role: the organism's role in the case; the informed are never asked to report.
    """
    if name in FOLLOW_UPS:
        return False
    match role:
        case "lead":
            return name in REPORTED_BY_THEIR_LEAD
        case "support":
            return name not in EXAMINED_BY_THEIR_SUPPORTS
        case "informed":
            return False
