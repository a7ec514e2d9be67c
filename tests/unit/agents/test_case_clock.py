"""What the clock of a case says, and when; and what is settled."""

import json

import pytest

from schemas.records import MANDATE
from tests.unit.agents.clockwork import Clockwork
from tests.unit.agents.records import event, header, registered

TOULOUSE = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
OUTCOMES = "l233.outcomes"
INFORMED = ("carsat:31", "cpam:311")
LEAD = "urssaf:midi-pyrenees"
REPORT_DUE = "2026-03-16T23:59:59+01:00"


def opened() -> Clockwork:
    """Return the case of a registration on Monday 2 March 2026: one lead, two informed."""
    clock = Clockwork()
    clock.happens(registered())
    return clock


def received() -> Clockwork:
    """Return the same once everybody has it; the lead has not reported."""
    clock = opened()
    for organism in INFORMED:
        clock.answers("received", organism, "informed", "2026-03-02T09:00:01Z")
    clock.answers("received", LEAD, "lead", "2026-03-02T09:00:01Z")
    return clock


def test_nobody_answers_and_everything_is_said_once_in_order() -> None:
    """`received` is near four hours before its end, `reported` one working day: on the Friday before."""
    clock = opened()
    clock.until("2027-01-01T00:00:00Z")
    said = [(at, name, data["organism"], data["level"]) for at, name, data in clock.said(OUTCOMES)]
    informed = [(organism, "received") for organism in INFORMED]
    assert sorted(said) == sorted(
        [
            *(("2026-03-03T18:59:59.000Z", "deadline.near", *part) for part in informed),
            *(("2026-03-03T23:00:00.000Z", "deadline.missed", *part) for part in informed),
            *(("2026-03-03T23:00:00.000Z", "escalation.raised", *part) for part in informed),
            ("2026-03-13T22:59:59.000Z", "deadline.near", LEAD, "reported"),
            ("2026-03-16T23:00:00.000Z", "deadline.missed", LEAD, "reported"),
            ("2026-03-16T23:00:00.000Z", "escalation.raised", LEAD, "reported"),
        ]
    )
    assert [at for at, *_ in said] == sorted(at for at, *_ in said)
    heads = {data["organism"]: data["to"] for _, name, data in clock.said(OUTCOMES) if "to" in data}
    assert heads == {"carsat:31": "cnav", "cpam:311": "cnam", LEAD: "acoss"}


def test_a_deadline_says_what_is_due() -> None:
    """The instant told is the deadline itself, in the organism's own time zone."""
    clock = received()
    clock.until("2026-03-14T00:00:00Z")
    assert clock.said() == [
        (
            "2026-03-13T22:59:59.000Z",
            "deadline.near",
            {"organism": LEAD, "level": "reported", "due": REPORT_DUE},
        )
    ]


def test_what_is_answered_in_time_says_nothing_and_writes_no_timer() -> None:
    """The one timer of the case fires once and finds nothing to say."""
    clock = received()
    clock.answers("reported", LEAD, "lead", "2026-03-02T09:00:02Z", code=0)
    clock.until("2027-01-01T00:00:00Z")
    assert clock.said(OUTCOMES) == []
    assert clock.fired == 1


def test_an_answer_after_the_deadline_is_late_and_averts_nothing() -> None:
    """Also when the clock's turn comes only afterwards, because its worker was down."""
    clock = received()
    clock.answers("reported", LEAD, "lead", "2026-03-17T08:00:00Z", code=0)
    clock.until("2026-03-20T00:00:00Z")
    assert [name for _, name, _ in clock.said(OUTCOMES)] == [
        "deadline.near",
        "deadline.missed",
        "escalation.raised",
    ]
    (lead,) = (part for part in clock.case.recipients if part.role == "lead")
    assert [(given.level, given.late) for given in lead.given if given.level == "reported"] == [
        ("reported", True)
    ]


def test_an_answer_at_the_last_second_is_in_time_and_the_next_instant_is_late() -> None:
    """23:59:59 still counts, 00:00:00 does not."""
    for at, missed in (("2026-03-16T22:59:59Z", False), ("2026-03-16T23:00:00Z", True)):
        clock = received()
        clock.answers("reported", LEAD, "lead", at, code=0)
        clock.until("2026-03-20T00:00:00Z")
        assert ("deadline.missed" in [name for _, name, _ in clock.said(OUTCOMES)]) is missed


def test_time_may_pass_in_any_steps() -> None:
    """One step of a year or one of each hour: the same is said, at the same instants."""
    leap, hourly = received(), received()
    leap.until("2027-03-01T00:00:00Z")
    for day in range(1, 31):
        for hour in range(24):
            hourly.until(f"2026-03-{day:02}T{hour:02}:00:00Z")
    assert hourly.emitted == leap.emitted


def test_an_event_of_long_ago_is_late_at_once() -> None:
    """It arrives in June: what was due in March is said in order, each at its own instant."""
    clock = Clockwork()
    clock.happens(registered(), at="2026-06-01T08:00:00Z")
    clock.until("2026-06-01T08:00:00Z")
    assert [name for _, name, _ in clock.said()].count("deadline.missed") == 3
    assert [at for at, *_ in clock.said()] == sorted(at for at, *_ in clock.said())


def test_an_escalation_reaches_its_head_who_is_asked_to_receive_it() -> None:
    """The same event, with a mandate, in the inbox of the head's agent."""
    clock = received()
    clock.until("2026-03-17T00:00:00Z")
    (letter,) = (out for out in clock.emitted if out.topic == "l233.inbox.acoss")
    mandate = MANDATE.validate_json(header(letter, "l233-mandate") or b"")
    assert (mandate.organism, mandate.role, mandate.acknowledge) == ("acoss", "informed", "received")
    assert mandate.by == "2026-03-18T23:59:59+01:00"
    same = [out.topic for out in clock.emitted if header(out, "ce_id") == header(letter, "ce_id")]
    assert same == [OUTCOMES, "l233.inbox.acoss"]


def test_a_head_that_has_an_escalation_reminds_within_five_working_days() -> None:
    """The case keeps when the head had it, and by when the organism is to answer."""
    clock = received()
    clock.until("2026-03-17T00:00:00Z")
    (raised,) = clock.case.escalations
    clock.answers("received", "acoss", "informed", "2026-03-16T23:00:01Z", event=raised.id)
    (raised,) = clock.case.escalations
    assert (raised.received_at, raised.remind_by) == ("2026-03-16T23:00:01Z", "2026-03-24T23:59:59+01:00")
    assert clock.case.waiting == ()


def test_the_lead_settles_after_the_last_report() -> None:
    """Once, in the transaction of the report that completes it."""
    clock = Clockwork()
    clock.happens(
        event(
            "contribution.paid",
            {"worker": TOULOUSE, "period": "2026-T1", "paid": "1.00", "due": "1.00", "base": "4.00"},
        )
    )
    clock.answers("reported", LEAD, "lead", "2026-03-02T09:00:01Z", code=0)
    assert clock.said() == []
    clock.answers("reported", "carsat:31", "support", "2026-03-02T09:00:02Z", code=0)
    settled = ("2026-03-02T09:00:02.000Z", "acknowledgement.settled", {"organism": LEAD, "role": "lead"})
    assert clock.said() == [settled]
    clock.answers("reported", "carsat:31", "support", "2026-03-02T09:00:03Z", code=0)
    assert clock.said() == [settled]
    lead = next(part for part in clock.case.recipients if part.role == "lead")
    assert [given.level for given in lead.given] == ["registered", "reported", "settled"]


def test_what_everybody_refuses_is_not_settled() -> None:
    """Nobody reported."""
    clock = received()
    clock.answers("refused", LEAD, "lead", "2026-03-02T09:00:03Z", reason="not_competent")
    assert clock.said() == []


def test_social_aid_is_settled_by_its_organism() -> None:
    """Settled means paid there."""
    clock = Clockwork()
    aid: dict[str, object] = {"worker": TOULOUSE, "kind": "exceptional", "received_by": "cpam:311"}
    clock.happens(event("social-aid.requested", aid))
    clock.answers("reported", "cpam:311", "lead", "2026-03-02T09:00:03Z", code=0)
    assert clock.said() == []


def test_silence_on_a_radiation_is_an_answer() -> None:
    """After six months the informed organisms have answered by silence: nothing is missed, nobody is told."""
    clock = Clockwork()
    ground: dict[str, object] = {"worker": TOULOUSE, "ground": "no_turnover", "notified": "2026-03-02"}
    clock.happens(event("radiation.envisaged", ground))
    clock.answers("reported", LEAD, "lead", "2026-03-02T09:00:01Z", code=0)
    clock.answers("reported", "cpam:311", "support", "2026-05-04T09:00:00Z", code=0)
    clock.until("2027-01-01T00:00:00Z")
    assert clock.said(OUTCOMES) == [
        (
            "2026-09-01T21:59:59.000Z",
            "deadline.near",
            {"organism": "carsat:31", "level": "reported", "due": "2026-09-02T23:59:59+02:00"},
        ),
        (
            "2026-09-02T22:00:00.000Z",
            "radiation.answered",
            {"organism": "carsat:31", "objection": False, "by_silence": True},
        ),
    ]
    assert [name for _, name, _ in clock.said("l233.acknowledgements")] == ["acknowledgement.settled"]
    assert clock.case.status == "closed"


def test_what_is_said_has_the_case_and_the_event_that_it_comes_from() -> None:
    """So that whoever reads one record finds the story."""
    clock = received()
    clock.until("2026-03-17T00:00:00Z")
    for said in clock.emitted:
        assert header(said, "ce_correlationid") == clock.case.case.encode()
        assert header(said, "ce_causationid") == b"e1"
        assert json.loads(said.value or b"")["organism"] == LEAD


@pytest.mark.parametrize(
    ("commune", "organism", "near", "missed"),
    [
        pytest.param(
            "31555",
            "urssaf:midi-pyrenees",
            "2026-04-02T21:59:59.000Z",
            "2026-04-03T22:00:00.000Z",
            id="Toulouse: Good Friday is the tenth working day",
        ),
        pytest.param(
            "57463",
            "urssaf:lorraine",
            "2026-04-02T21:59:59.000Z",
            "2026-04-07T22:00:00.000Z",
            id="Metz: the Tuesday after Easter is",
        ),
        pytest.param(
            "54395",
            "urssaf:lorraine",
            "2026-04-02T21:59:59.000Z",
            "2026-04-03T22:00:00.000Z",
            id="Nancy: the same organism, another département",
        ),
        pytest.param(
            "97411",
            "cgss:974",
            "2026-04-02T19:59:59.000Z",
            "2026-04-03T20:00:00.000Z",
            id="Réunion: the day ends two hours before Paris in summer",
        ),
    ],
)
def test_the_calendar_is_that_of_the_territory(commune: str, organism: str, near: str, missed: str) -> None:
    """An event of Friday 20 March 2026, ten working days before Easter."""
    clock = Clockwork()
    place = {"siren": "732829320", "residence": commune, "establishment": commune}
    turnover: dict[str, object] = {"worker": place, "period": "2026-02", "amount": "10.00"}
    clock.happens(event("turnover.declared", turnover, time="2026-03-20T10:00:00+01:00"))
    clock.until("2026-05-01T00:00:00Z")
    said = {
        name: at
        for at, name, data in clock.said(OUTCOMES)
        if (data["organism"], data["level"]) == (organism, "reported")
    }
    assert (said["deadline.near"], said["deadline.missed"]) == (near, missed)
