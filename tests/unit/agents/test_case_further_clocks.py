"""The clocks of a case beside its acknowledgements: aid paid or decided, rights reconciled, pensions paid."""

import json

import pytest

from schemas.records import MANDATE, Mandate
from streaming.records import Output
from tests.unit.agents.clockwork import Clockwork
from tests.unit.agents.records import WORKER, event

TOULOUSE = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
CASE = "3f1d4a52-6f0e-5c0b-9a51-0a4b1d6f3b0e"
OUTCOMES = "l233.outcomes"
Data = dict[str, object]


def said_at(clock: Clockwork, level: str) -> list[tuple[str, str, object]]:
    """Return what the clock said of a level: when, what, and of whom."""
    return [
        (at, name, data["organism"]) for at, name, data in clock.said(OUTCOMES) if data.get("level") == level
    ]


def aid(clock: Clockwork, kind: str) -> None:
    """Let a worker ask his CPAM for aid on 2 March."""
    clock.happens(
        event(
            "social-aid.requested", {"worker": TOULOUSE, "kind": kind, "received_by": "cpam:311"}, case=CASE
        )
    )


def outcome(name: str, data: Data, at: str, *, mandate: Mandate | None = None, id_: str = "") -> Output:
    """Return what an organism made of an event."""
    named = {
        "id": id_ or f"{name}/{at}",
        "source": "urn:l233:carsat",
        "type": f"fr.l233.{name}.v1",
        "subject": WORKER,
        "time": at,
        "correlationid": CASE,
        "causationid": "e1",
    }
    headers = [(f"ce_{key}", value.encode()) for key, value in named.items()]
    if mandate is not None:
        headers.append(("l233-mandate", MANDATE.dump_json(mandate)))
    return Output("l233.outcomes", WORKER.encode(), json.dumps(data).encode(), headers)


def test_emergency_aid_is_paid_within_fifteen_days() -> None:
    """2 March and fifteen days: 17 March; near the working day before."""
    clock = Clockwork()
    aid(clock, "emergency")
    clock.until("2026-04-01T00:00:00Z")
    assert said_at(clock, "paid") == [
        ("2026-03-16T22:59:59.000Z", "deadline.near", "cpam:311"),
        ("2026-03-17T23:00:00.000Z", "deadline.missed", "cpam:311"),
        ("2026-03-17T23:00:00.000Z", "escalation.raised", "cpam:311"),
    ]


def test_aid_that_is_paid_in_time_says_nothing() -> None:
    """The payment stops the clock, which stands in the case."""
    clock = Clockwork()
    aid(clock, "emergency")
    paid: Data = {"organism": "cpam:311", "amount": "300.00"}
    clock.hear(outcome("social-aid.paid", paid, "2026-03-10T09:00:00.000Z"), "2026-03-10T09:00:00Z")
    clock.until("2026-04-01T00:00:00Z")
    assert said_at(clock, "paid") == []
    (running,) = clock.case.clocks
    assert (running.level, running.done_at, running.ended) == ("paid", "2026-03-10T09:00:00.000Z", "stopped")


def test_aid_that_is_not_taken_into_account_is_never_paid() -> None:
    """Code 3 ends it: there is nothing left to wait for."""
    clock = Clockwork()
    aid(clock, "emergency")
    clock.answers("reported", "cpam:311", "lead", "2026-03-05T09:00:00Z", case=CASE, code=3)
    clock.until("2026-04-01T00:00:00Z")
    assert said_at(clock, "paid") == []


def test_other_aid_is_decided_within_two_months() -> None:
    """Until the CPSTI's decision; it is no emergency, so nothing is to be paid by a day."""
    late, in_time = Clockwork(), Clockwork()
    for clock in (late, in_time):
        aid(clock, "exceptional")
    decided: Data = {"organism": "cpam:311", "granted": True, "amount": "300.00"}
    in_time.happens(
        event("social-aid.decided", decided, id_="d1", case=CASE, time="2026-04-01T10:00:00+02:00")
    )
    for clock in (late, in_time):
        clock.until("2026-06-01T00:00:00Z")
    assert [name for _, name, _ in said_at(late, "decided")] == [
        "deadline.near",
        "deadline.missed",
        "escalation.raised",
    ]
    assert said_at(late, "decided")[1][0] == "2026-05-04T22:00:00.000Z"
    assert said_at(in_time, "decided") == []


def retirement(clock: Clockwork, starts: str, *, complete: bool) -> None:
    """Let a worker ask for his pension on 2 March."""
    asked: Data = {"worker": TOULOUSE, "starts": starts, "complete": complete}
    clock.happens(event("retirement.requested", asked, case=CASE))


def test_a_complete_file_lodged_four_months_before_is_paid_the_month_after_the_start() -> None:
    """2 March to 2 July are four months: by 3 August, since the 2nd is a Sunday."""
    clock = Clockwork()
    retirement(clock, "2026-07-02", complete=True)
    (running,) = clock.case.clocks
    assert (running.organism, running.level, running.due) == (
        "carsat:31",
        "paid",
        "2026-08-03T23:59:59+02:00",
    )
    clock.until("2026-08-31T00:00:00Z")
    assert [name for _, name, _ in said_at(clock, "paid")] == [
        "deadline.near",
        "deadline.missed",
        "escalation.raised",
    ]


@pytest.mark.parametrize(("starts", "complete"), [("2026-07-01", True), ("2026-09-01", False)])
def test_a_file_that_is_late_or_incomplete_has_no_day_to_be_paid_by(starts: str, complete: bool) -> None:
    """A day short of four months, or not complete."""
    clock = Clockwork()
    retirement(clock, starts, complete=complete)
    assert clock.case.clocks == ()


def test_the_settlement_of_the_lead_pays_a_pension() -> None:
    """Reported by everybody, so settled: the clock stands."""
    clock = Clockwork()
    retirement(clock, "2026-07-02", complete=True)
    clock.answers("reported", "carsat:31", "lead", "2026-03-05T09:00:00Z", case=CASE, code=0)
    clock.answers("reported", "urssaf:midi-pyrenees", "support", "2026-03-05T09:00:00Z", case=CASE, code=0)
    clock.until("2026-08-31T00:00:00Z")
    assert said_at(clock, "paid") == []


ASKED = Mandate(
    case=CASE,
    organism="urssaf:midi-pyrenees",
    role="lead",
    activity="future-rights",
    acknowledge="reported",
    by="2026-04-14T23:59:59+02:00",
    basis="example scheme 2026-01",
    status="example",
    scheme="2026-01",
)
DIFFERENCE: Data = {"organism": "carsat:31", "year": 2025, "declared": "9000.00", "recorded": "8000.00"}
RESOLVED: Data = {"organism": "carsat:31", "year": 2025, "income": "9000.00", "quarters": 4}


def differing() -> Clockwork:
    """Return the case of a difference between declared and recorded income."""
    clock = Clockwork()
    made = outcome("rights.mismatch", DIFFERENCE, "2026-03-02T09:00:00.000Z", mandate=ASKED, id_="m1")
    clock.hear(made, "2026-03-02T09:00:00Z")
    return clock


def test_a_difference_of_rights_opens_a_case_with_its_own_deadline() -> None:
    """The collection organism leads; what is missed is the resolution, once."""
    clock = differing()
    clock.answers("received", ASKED.organism, "lead", "2026-03-02T09:00:01Z", case=CASE, event="m1")
    assert (clock.case.status, clock.case.events[0].type) == ("open", "fr.l233.rights.mismatch.v1")
    clock.until("2026-05-01T00:00:00Z")
    assert [(name, data.get("level")) for _, name, data in clock.said("l233.outcomes")] == [
        ("deadline.near", "resolved"),
        ("deadline.missed", "resolved"),
        ("escalation.raised", "resolved"),
    ]


def test_rights_recorded_anew_resolve_a_difference() -> None:
    """In the case of the difference: its organism owes nothing any more."""
    clock = differing()
    clock.hear(outcome("rights.recorded", RESOLVED, "2026-03-20T09:00:00.000Z"), "2026-03-20T09:00:00Z")
    clock.until("2026-05-01T00:00:00Z")
    assert clock.said() == []
    assert clock.case.status == "closed"


def test_a_difference_that_opens_anew_is_not_resolved_by_what_resolved_the_first() -> None:
    """The income of the year was declared once more."""
    clock = differing()
    clock.hear(outcome("rights.recorded", RESOLVED, "2026-03-20T09:00:00.000Z"), "2026-03-20T09:00:00Z")
    made = outcome("rights.mismatch", DIFFERENCE, "2026-03-25T09:00:00.000Z", mandate=ASKED, id_="m2")
    clock.hear(made, "2026-03-25T09:00:00Z")
    assert clock.case.status == "open"
    clock.until("2026-05-01T00:00:00Z")
    assert [name for _, name, _ in clock.said("l233.outcomes")][-1] == "escalation.raised"
