"""What a correction makes of a case: nothing is rewritten, what depended on the corrected event is listed."""

import pytest

from coordination.standing import Standing, standing
from tests.unit.agents.clockwork import Clockwork
from tests.unit.agents.records import event
from tests.unit.agents.test_case_further_clocks import outcome

TOULOUSE = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
CASE = "3f1d4a52-6f0e-5c0b-9a51-0a4b1d6f3b0e"
PAID: dict[str, object] = {"period": "2026-T1", "paid": "1.00", "due": "1.00", "base": "4.00"}
LEAD, RETIREMENT, HEALTH = "urssaf:midi-pyrenees", "carsat:31", "cpam:311"
Data = dict[str, object]
MISSED = ("deadline.missed", "paid")


def paid() -> Clockwork:
    """Return the case of a contribution paid: the lead reported, CARSAT recorded, the others are silent."""
    clock = Clockwork()
    clock.happens(event("contribution.paid", {"worker": TOULOUSE, **PAID}, case=CASE))
    clock.answers("reported", LEAD, "lead", "2026-03-02T09:00:01Z", case=CASE, code=0)
    recorded: Data = {"organism": RETIREMENT, "year": 2026, "income": "4.00", "quarters": 0}
    clock.hear(outcome("rights.recorded", recorded, "2026-03-02T09:00:02.000Z"), "2026-03-02T09:00:02Z")
    return clock


def corrected(clock: Clockwork, name: str, **data: object) -> None:
    """Let the producer correct the payment on Wednesday 4 March."""
    said: Data = {"event": "e1", "source": "urn:test:producer", **data}
    clock.happens(event(name, said, id_="x1", case=CASE, time="2026-03-04T10:00:00+01:00"))


def test_an_annulled_event_asks_nothing_any_more() -> None:
    """Its open parts end, its clocks stand still; nobody settles it."""
    clock = paid()
    clock.until("2026-03-04T09:00:00Z")
    before = len(clock.emitted)
    corrected(clock, "case.annulled", reason="sent by mistake")
    first = clock.case.events[0].decision
    ended = {part.organism: part.ended for part in clock.case.recipients if part.decision == first}
    assert ended == {LEAD: "answered", RETIREMENT: "annulled", HEALTH: "annulled"}
    for organism, role in ((LEAD, "lead"), (RETIREMENT, "support"), (HEALTH, "informed")):
        clock.answers("reported", organism, role, "2026-03-04T09:00:01Z", case=CASE, event="x1", code=0)
    clock.until("2027-01-01T00:00:00Z")
    later = [name for _, name, _ in clock.said()[before:]]
    assert later == ["acknowledgement.settled"]  # of the correction itself


def test_what_depended_on_an_annulled_event_is_listed() -> None:
    """Decision, acknowledgements, outcomes, and the deadlines that still ran."""
    clock = paid()
    corrected(clock, "case.annulled", reason="sent by mistake")
    state = clock.case
    (correction,) = state.corrections
    assert (correction.event, correction.by, correction.kind) == ("e1", "x1", "annulled")
    assert correction.decisions == (state.events[0].decision,)
    assert correction.outcomes == ("rights.recorded/2026-03-02T09:00:02.000Z",)
    of_the_event = [part for part in state.recipients if part.decision == correction.decisions[0]]
    assert set(correction.acknowledgements) == {given.id for part in of_the_event for given in part.given}
    assert set(correction.deadlines) == {
        f"{HEALTH} received 2026-03-03T23:59:59+01:00",
        f"{RETIREMENT} reported 2026-03-16T23:59:59+01:00",
    }


def test_an_updated_event_has_deadlines_of_its_own_and_the_old_ones_go_on() -> None:
    """The correction asks the same organisms; what was asked before is still owed."""
    clock = paid()
    corrected(clock, "case.updated", data={**PAID, "paid": "0.50"})
    by = {(part.organism, part.by) for part in clock.case.recipients if part.organism == RETIREMENT}
    assert {day[:10] for _, day in by} == {"2026-03-16", "2026-03-18"}
    (correction,) = clock.case.corrections
    assert correction.kind == "updated"
    clock.until("2027-01-01T00:00:00Z")
    missed = {(data["organism"], str(data["due"])[:10]) for _, name, data in clock.said() if "missed" in name}
    assert missed == {
        (HEALTH, "2026-03-03"),
        (HEALTH, "2026-03-05"),
        (RETIREMENT, "2026-03-16"),
        (RETIREMENT, "2026-03-18"),
        (LEAD, "2026-03-18"),
    }


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        ("2026-03-02T12:00:00Z", Standing(expected=3, given=1, open=2, overdue=0)),
        ("2026-03-03T23:00:00Z", Standing(expected=3, given=1, open=1, overdue=1)),
        ("2026-04-01T00:00:00Z", Standing(expected=3, given=1, open=0, overdue=2)),
    ],
)
def test_what_a_case_expects_is_given_open_or_overdue(at: str, wanted: Standing) -> None:
    """At any instant."""
    assert standing(paid().case, at) == wanted


def test_an_annulled_event_expects_nothing() -> None:
    """What it was given before stays given."""
    clock = paid()
    corrected(clock, "case.annulled", reason="sent by mistake")
    found = standing(clock.case, "2026-03-04T12:00:00Z")
    assert (found.given, found.residual) == (1, 0)
    asked_by_the_correction = sum(
        part.decision != clock.case.events[0].decision for part in clock.case.recipients
    )
    assert found.expected == 1 + asked_by_the_correction


def retirement(clock: Clockwork) -> None:
    """Let a worker ask for his pension from September, then say from October."""
    asked: Data = {"worker": TOULOUSE, "starts": "2026-09-01", "complete": True}
    clock.happens(event("retirement.requested", asked, case=CASE))
    corrected(clock, "case.updated", data={"starts": "2026-10-01", "complete": True})


def test_an_update_starts_the_further_clocks_anew() -> None:
    """The pension is to be paid by the new date alone."""
    clock = Clockwork()
    retirement(clock)
    assert [(one.due[:10], one.ended) for one in clock.case.clocks] == [
        ("2026-10-01", "annulled"),
        ("2026-11-02", None),
    ]
    clock.until("2027-01-01T00:00:00Z")
    missed = [data["due"] for _, name, data in clock.said() if (name, data.get("level")) == MISSED]
    assert missed == ["2026-11-02T23:59:59+01:00"]


def test_an_annulment_ends_what_earlier_corrections_asked_too() -> None:
    """Nothing is left of the event but what the annulment itself asks."""
    clock = Clockwork()
    retirement(clock)
    said: Data = {"event": "e1", "source": "urn:test:producer", "reason": "withdrawn"}
    clock.happens(event("case.annulled", said, id_="x2", case=CASE, time="2026-03-05T10:00:00+01:00"))
    last = clock.case.events[-1].decision
    assert {part.ended for part in clock.case.recipients if part.decision != last} == {"annulled"}
    assert {one.ended for one in clock.case.clocks} == {"annulled"}
