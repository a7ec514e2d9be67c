"""Who reports by itself: the whole table of events, as a jurist reads it."""

import pytest

from coordination.reporting import reports_by_itself
from coordination.rulebook import ROLES
from schemas.events import CONTRACTS
from tests.unit.coordination.examples import shipped

# `by itself`: reported, code 0, without being told to. `waits`: silent until the organism's own system or the
# worker's adviser has spoken. `-`: the example scheme has nobody in this role.
TABLE = """
event                   lead        support
activity.registered     by-itself   -
activity.modified       by-itself   -
activity.ceased         by-itself   by-itself
territory.changed       by-itself   by-itself
radiation.envisaged     by-itself   waits
radiation.decided       by-itself   -
income.declared         by-itself   by-itself
turnover.declared       by-itself   -
contribution.called     by-itself   -
contribution.paid       by-itself   by-itself
contribution.unpaid     by-itself   -
payment-delay.granted   by-itself   -
payment-delay.broken    by-itself   -
sick-leave.received     waits       by-itself
maternity.declared      waits       by-itself
retirement.requested    waits       by-itself
career.disputed         waits       by-itself
social-aid.requested    waits       -
difficulty.detected     waits       waits
contact.received        waits       by-itself
appointment.requested   waits       by-itself
complaint.lodged        waits       -
mediation.opened        waits       -
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
FOLLOW_UPS = [
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
]
REPORTS = {"by-itself": True, "waits": False}


@pytest.mark.parametrize(("name", "lead", "support"), ROWS)
def test_the_table_says_who_reports_by_itself(name: str, lead: str, support: str) -> None:
    """Lead and support as the table says; the informed never, they owe no report."""
    assert reports_by_itself(name, "lead") is REPORTS[lead]
    if support != "-":
        assert reports_by_itself(name, "support") is REPORTS[support]
    assert not reports_by_itself(name, "informed")


def test_the_table_holds_every_event_of_the_scheme_and_every_support_there_is() -> None:
    """A new event, or a new support, has to be written here: nobody speaks for an organism by omission."""
    told = {name for name, *_ in ROWS}
    assert CONTRACTS.keys() - set(FOLLOW_UPS) == told
    rules = shipped().rules
    supported = {name for name in told if any(asked.role == "support" for asked in rules[name].assignments)}
    assert {name for name, _, support in ROWS if support != "-"} == supported


@pytest.mark.parametrize("name", FOLLOW_UPS)
def test_nothing_that_follows_in_a_case_is_reported_by_itself(name: str) -> None:
    """A follow-up is received; a correction is reported under the name of what it corrects."""
    assert not any(reports_by_itself(name, role) for role in ROLES)
