"""The further clocks of a scheme: which events start them, and what a version may not say of them."""

import pytest

import scheme
from coordination.routing import route
from coordination.scheme_file import SchemeError, read_scheme
from coordination.situation import situation_of
from schemas.records import Decision, StartedClock
from tests.unit.coordination.examples import SIREN, directory, event, shipped, worker

TEXT = scheme.versions()["2026-01.yaml"]


def clocks(name: str, data: dict[str, object], commune: str = "31555") -> tuple[StartedClock, ...]:
    """Return the clocks that an event of Monday 2 March 2026 starts."""
    happened = event(name, data, at=worker(commune))
    assert happened.data.worker is not None
    decision = route(happened, shipped(), directory(), situation_of(happened.data.worker, SIREN))
    assert isinstance(decision, Decision)
    return decision.clocks


@pytest.mark.parametrize(
    ("kind", "level", "due"),
    [
        ("emergency", "paid", "2026-03-17T23:59:59+01:00"),
        ("exceptional", "decided", "2026-05-04T23:59:59+02:00"),
        ("retirement_support", "decided", "2026-05-04T23:59:59+02:00"),
        ("contributor_in_difficulty", "decided", "2026-05-04T23:59:59+02:00"),
    ],
)
def test_each_kind_of_social_aid_has_its_clock(kind: str, level: str, due: str) -> None:
    """15 days to pay what is urgent, 2 months to decide the rest; 2 May 2026 is a Saturday."""
    (clock,) = clocks("social-aid.requested", {"kind": kind, "received_by": "cpam:311"})
    assert (clock.organism, clock.level, clock.due) == ("cpam:311", level, due)
    assert clock.basis
    assert clock.until == f"social-aid.{level}"


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        ("2026-07-01", None),
        ("2026-07-02", "2026-08-03T23:59:59+02:00"),
        ("2026-08-31", "2026-09-30T23:59:59+02:00"),
        ("2027-01-31", "2027-03-01T23:59:59+01:00"),
        ("2028-01-31", "2028-02-29T23:59:59+01:00"),
        ("2300-01-01", None),
    ],
)
def test_a_pension_is_paid_the_month_after_its_start_if_asked_four_months_before(
    starts: str, due: str | None
) -> None:
    """The day of the same number or the month's last, else the next working day: 28.2.2027 is a Sunday."""
    found = clocks("retirement.requested", {"starts": starts, "complete": True})
    assert [clock.due for clock in found] == ([] if due is None else [due])


def test_the_calendar_is_that_of_the_organism_that_owes() -> None:
    """In Réunion the day ends four hours before Paris, in winter three."""
    (clock,) = clocks("social-aid.requested", {"kind": "emergency", "received_by": "cgss:974"}, "97411")
    assert clock.due == "2026-03-17T23:59:59+04:00"


def test_other_events_start_none() -> None:
    """A contribution has no clock beside its acknowledgements."""
    assert clocks("contribution.called", {"period": "2026-T1", "due": "1.00", "base": "4.00"}) == ()


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("  emergency-aid-paid:\n", "  emergency-aid-sent:\n", "emergency-aid-sent", "-paid, -decided"),
        ("from: retirement.requested", "from: retirement.asked", "from", "is no event type"),
        ("when: { kind: [emergency] }", "when: { sort: [emergency] }", "when", "has no field sort"),
        ("counted_from: starts", "counted_from: start", "counted_from", "has no field start"),
        ("4 months before starts", "4 months before begins", "provided", "has no field begins"),
        ("provided: lodged at least", "provided: lodged some", "provided", "is no proviso: write"),
    ],
)
def test_a_mistake_in_a_clock_is_told_with_its_line(old: str, new: str, where: str, message: str) -> None:
    """Before the version can route, not when the first event meets it."""
    assert old in TEXT
    with pytest.raises(SchemeError) as caught:
        read_scheme("next.yaml", TEXT.replace(old, new, 1), directory())
    (told,) = str(caught.value).splitlines()
    assert message in told
    assert where in told
