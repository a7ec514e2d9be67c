"""What the clock of a case says while its organism is out of order, and after."""

from datetime import datetime

from agents.cases import Cases
from agents.roles import load_world
from coordination.outages import Outage, Outages
from streaming.topics import Registry
from tests.unit.agents.clockwork import Clockwork, milliseconds
from tests.unit.agents.records import registered

LEAD = "urssaf:midi-pyrenees"


def declared(*times: tuple[str, str | None]) -> Outages:
    """Return the outages of the lead."""
    return Outages.of(
        Outage(LEAD, milliseconds(starts), None if ends is None else milliseconds(ends))
        for starts, ends in times
    )


def received() -> Clockwork:
    """Return the case of a registration whose lead owes a report by Monday 16 March."""
    clock = Clockwork(cases=Cases(load_world(Registry.load())))
    clock.happens(registered())
    for organism in ("carsat:31", "cpam:311"):
        clock.answers("received", organism, "informed", "2026-03-02T09:00:01Z")
    clock.answers("received", LEAD, "lead", "2026-03-02T09:00:01Z")
    return clock


def said(clock: Clockwork) -> list[tuple[str, str]]:
    """Return what the clock said, and when."""
    return [(at, name) for at, name, _ in clock.said("l233.outcomes")]


def test_an_outage_moves_the_deadline_by_its_length() -> None:
    """Three days, from Tuesday to Friday: the Monday becomes the Thursday."""
    clock = received()
    clock.cases.world.outages = declared(("2026-03-10T00:00:00+01:00", "2026-03-13T00:00:00+01:00"))
    clock.until("2026-04-01T00:00:00Z")
    assert said(clock) == [
        ("2026-03-18T22:59:59.000Z", "deadline.near"),
        ("2026-03-19T23:00:00.000Z", "deadline.missed"),
        ("2026-03-19T23:00:00.000Z", "escalation.raised"),
    ]
    (lead,) = (part for part in clock.case.recipients if part.role == "lead")
    assert (lead.by, lead.due) == ("2026-03-16T23:59:59+01:00", "2026-03-19T23:59:59+01:00")


def test_an_answer_within_the_moved_deadline_is_in_time() -> None:
    """It is late by the calendar alone."""
    clock = received()
    clock.cases.world.outages = declared(("2026-03-10T00:00:00+01:00", "2026-03-13T00:00:00+01:00"))
    clock.until("2026-03-17T12:00:00Z")
    clock.answers("reported", LEAD, "lead", "2026-03-17T12:00:00Z", code=0)
    clock.until("2026-04-01T00:00:00Z")
    assert said(clock) == []
    (lead,) = (part for part in clock.case.recipients if part.role == "lead")
    assert not any(given.late for given in lead.given)


def test_nothing_is_said_while_an_outage_goes_on() -> None:
    """Nobody knows its end; once it is known, the deadline runs on."""
    clock = received()
    clock.cases.world.outages = declared(("2026-03-10T00:00:00+01:00", None))
    clock.until("2026-05-04T00:00:00+02:00")
    assert said(clock) == []
    clock.cases.world.outages = declared(("2026-03-10T00:00:00+01:00", "2026-05-04T00:00:00+02:00"))
    clock.until("2026-06-01T00:00:00Z")
    due = datetime.fromisoformat("2026-05-11T23:59:59+02:00")  # as many days as were left, to a working day
    (lead,) = (part for part in clock.case.recipients if part.role == "lead")
    assert datetime.fromisoformat(lead.due) == due
    assert [name for _, name in said(clock)] == ["deadline.near", "deadline.missed", "escalation.raised"]


def test_an_outage_after_a_warning_moves_the_rest() -> None:
    """What was said stays said, and is not said again."""
    clock = received()
    clock.until("2026-03-14T00:00:00Z")
    clock.cases.world.outages = declared(("2026-03-16T00:00:00+01:00", "2026-03-18T00:00:00+01:00"))
    clock.until("2026-04-01T00:00:00Z")
    assert said(clock) == [
        ("2026-03-13T22:59:59.000Z", "deadline.near"),
        ("2026-03-18T23:00:00.000Z", "deadline.missed"),
        ("2026-03-18T23:00:00.000Z", "escalation.raised"),
    ]


def test_the_outage_of_another_moves_nothing() -> None:
    """Each organism has its own clocks."""
    clock = received()
    clock.cases.world.outages = Outages.of([Outage("cpam:311", 0, None)])
    clock.until("2026-04-01T00:00:00Z")
    assert said(clock)[0] == ("2026-03-13T22:59:59.000Z", "deadline.near")
