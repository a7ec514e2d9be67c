"""What a case makes of an acknowledgement from an organism's own system: taken, known already, not taken."""

import json

import pytest

from schemas.records import MANDATE, RECEIPT, Receipt
from tests.unit.agents.clockwork import Clockwork
from tests.unit.agents.records import event, header

TOULOUSE = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
CASE = "3f1d4a52-6f0e-5c0b-9a51-0a4b1d6f3b0e"
CPAM = "cpam:311"
SYSTEM = "urn:cpam:system"


def complaint(clock: Clockwork) -> None:
    """Open a case in which CPAM alone owes a report."""
    said: dict[str, object] = {"worker": TOULOUSE, "against": CPAM, "subject": "health"}
    clock.happens(event("complaint.lodged", said, case=CASE))
    clock.answers("received", CPAM, "lead", "2026-03-02T09:00:01Z")


def system(
    clock: Clockwork, level: str, id_: str, *, time: str = "2026-03-05T10:00:00+01:00", **data: object
) -> None:
    """Let an organism's own system acknowledge, through intake."""
    said = {"organism": CPAM, "role": "lead", **data}
    clock.happens(event(f"acknowledgement.{level}", said, id_=id_, case=CASE, time=time))


def levels(clock: Clockwork) -> list[str]:
    """Return what CPAM has given."""
    return [given.level for part in clock.case.recipients for given in part.given]


def refused(clock: Clockwork) -> list[Receipt]:
    """Return the receipts by which the case refused."""
    return [RECEIPT.validate_json(out.value or b"") for out in clock.emitted if out.topic == "l233.receipts"]


def test_a_report_is_taken_handed_to_the_agent_and_settled() -> None:
    """The agent gets the acknowledgement as it came, with the mandate of its part."""
    clock = Clockwork()
    complaint(clock)
    system(clock, "reported", "r1", code=1, reasons=["letter sent"])
    assert levels(clock) == ["registered", "received", "reported", "settled"]
    assert clock.case.status == "closed"
    (handed,) = (out for out in clock.emitted if out.topic == "l233.inbox.cpam")
    assert json.loads(handed.value or b"")["reasons"] == ["letter sent"]
    assert (header(handed, "ce_id"), header(handed, "ce_source")) == (b"r1", b"urn:test:producer")
    mandate = MANDATE.validate_json(header(handed, "l233-mandate") or b"")
    assert (mandate.organism, mandate.role, mandate.case) == (CPAM, "lead", CASE)
    assert refused(clock) == []


def test_an_organism_without_a_part_is_refused_with_its_reason() -> None:
    """The producer gets a receipt, the case keeps what was not taken."""
    clock = Clockwork()
    complaint(clock)
    system(clock, "reported", "r1", organism="cpam:831", code=0)
    (receipt,) = refused(clock)
    assert (receipt.verdict, receipt.reason, receipt.event.id) == ("refused", "not_allowed", "r1")
    assert receipt.errors[0].path == "/data/organism"
    (declined,) = clock.case.declined
    assert (declined.id, declined.organism, declined.level) == ("r1", "cpam:831", "reported")
    assert "reported" not in levels(clock)


def test_the_same_again_is_no_news_and_another_code_contradicts() -> None:
    """One answer stands: the first."""
    clock = Clockwork()
    complaint(clock)
    system(clock, "reported", "r1", code=0)
    system(clock, "reported", "r2", code=0)
    assert refused(clock) == []
    system(clock, "reported", "r3", code=3)
    (receipt,) = refused(clock)
    assert (receipt.reason, receipt.event.id) == ("conflicting_duplicate", "r3")
    assert levels(clock).count("reported") == 1


def test_a_refusal_comes_before_a_report_or_not_at_all() -> None:
    """Who has reported can't refuse any more; who refused has done its part."""
    clock = Clockwork()
    complaint(clock)
    system(clock, "reported", "r1", code=0)
    system(clock, "refused", "r2", reason="not_competent")
    assert [receipt.reason for receipt in refused(clock)] == ["conflicting_duplicate"]
    other = Clockwork()
    complaint(other)
    system(other, "refused", "r2", reason="not_competent")
    assert other.case.status == "closed"
    assert refused(other) == []


def test_nothing_is_settled_before_it_is_reported() -> None:
    """A settlement needs a report."""
    clock = Clockwork()
    complaint(clock)
    system(clock, "settled", "s1")
    (receipt,) = refused(clock)
    assert (receipt.reason, receipt.errors[0].path) == ("not_allowed", "/type")


def test_social_aid_is_settled_after_the_decision_alone() -> None:
    """Reported, decided, paid: in between, the organism's word that it has paid is not taken."""
    clock = Clockwork()
    aid: dict[str, object] = {"worker": TOULOUSE, "kind": "exceptional", "received_by": CPAM}
    clock.happens(event("social-aid.requested", aid, case=CASE))
    system(clock, "reported", "r1", code=0)
    system(clock, "settled", "s1")
    assert [receipt.reason for receipt in refused(clock)] == ["not_allowed"]
    decided = {"organism": CPAM, "granted": True, "amount": "300.00"}
    clock.happens(event("social-aid.decided", decided, id_="d1", case=CASE, time="2026-04-01T10:00:00+02:00"))
    system(clock, "settled", "s2", time="2026-04-02T10:00:00+02:00")
    assert levels(clock).count("settled") == 1
    assert len(refused(clock)) == 1


def test_a_late_report_is_taken_and_is_late() -> None:
    """The deadline has passed, the answer still counts."""
    clock = Clockwork()
    complaint(clock)
    clock.until("2026-04-01T00:00:00Z")
    system(clock, "reported", "r1", code=0, time="2026-04-02T10:00:00+02:00")
    (part,) = clock.case.recipients
    assert [(given.level, given.late) for given in part.given if given.code == 0] == [("reported", True)]
    assert clock.case.status == "closed"


def test_what_comes_ahead_of_its_decision_waits_for_it() -> None:
    """The topics are read one beside the other: acknowledgements may be ahead of all decisions."""
    usual, ahead = Clockwork(), Clockwork()
    complaint(usual)
    system(usual, "reported", "r1", code=0)
    for output in sorted(usual.routed, key=lambda out: out.topic == "l233.decisions"):
        ahead.hear(output, "2026-03-05T09:00:00Z")
    ahead.answers("received", CPAM, "lead", "2026-03-02T09:00:01Z")
    assert ahead.case == usual.case


def written_directly(clock: Clockwork, at: str, organism: str = CPAM) -> None:
    """Let a system write on the topic of acknowledgements itself."""
    clock.answers("reported", organism, "lead", at, event=None, source=SYSTEM, case=CASE, code=0)


def test_what_is_written_beside_intake_is_judged_the_same_way() -> None:
    """Others may write on the topic of acknowledgements themselves."""
    clock = Clockwork()
    complaint(clock)
    written_directly(clock, "2026-03-05T09:00:00Z")
    assert levels(clock) == ["registered", "received", "reported", "settled"]


@pytest.mark.parametrize(
    ("level", "data", "path"),
    [("received", {}, "/type"), ("reported", {}, "/data/code"), ("reported", {"code": 4}, "/data/code")],
)
def test_what_is_written_beside_intake_is_no_better_than_what_comes_through_it(
    level: str, data: dict[str, object], path: str
) -> None:
    """What a contract would refuse is not taken here either."""
    clock = Clockwork()
    complaint(clock)
    at = "2026-03-05T09:00:00Z"
    clock.answers(level, CPAM, "lead", at, event=None, source=SYSTEM, case=CASE, **data)
    clock.until("2026-03-05T12:00:00Z")
    assert [(one.reason, one.errors[0].path) for one in refused(clock)] == [("not_allowed", path)]


def test_what_is_written_before_its_case_is_known_waits_an_hour() -> None:
    """Then the producer hears that there is no such part."""
    clock = Clockwork()
    written_directly(clock, "2026-03-02T09:00:00Z")
    clock.until("2026-03-02T09:59:59Z")
    assert refused(clock) == []
    clock.until("2026-03-02T10:00:00Z")
    assert [receipt.reason for receipt in refused(clock)] == ["not_allowed"]
    assert clock.case.waiting == ()


def test_what_is_written_just_before_its_case_is_known_is_taken_then() -> None:
    """The order of arrival is not the sender's doing."""
    clock = Clockwork()
    written_directly(clock, "2026-03-02T08:59:59Z")
    complaint(clock)
    assert "reported" in levels(clock)
    clock.until("2026-03-02T12:00:00Z")
    assert refused(clock) == []


def test_the_answer_to_a_radiation_is_the_report_of_who_answers() -> None:
    """`radiation.answered` names no event: the case knows which part is open."""
    clock = Clockwork()
    ground: dict[str, object] = {"worker": TOULOUSE, "ground": "no_turnover", "notified": "2026-03-02"}
    clock.happens(event("radiation.envisaged", ground, case=CASE))
    answer: dict[str, object] = {"worker": TOULOUSE, "organism": CPAM, "objection": True, "by_silence": False}
    clock.happens(event("radiation.answered", answer, id_="a1", case=CASE, time="2026-04-02T10:00:00+02:00"))
    given = {part.organism: [one.level for one in part.given] for part in clock.case.recipients if part.by}
    assert "reported" in given[CPAM]
    clock.until("2027-01-01T00:00:00Z")
    silent = [data["organism"] for _, name, data in clock.said() if name == "radiation.answered"]
    assert silent == ["carsat:31"]


def test_an_answer_after_the_end_of_an_annulled_event_is_not_taken() -> None:
    """Nothing is to be answered any more."""
    clock = Clockwork()
    complaint(clock)
    annulled: dict[str, object] = {"event": "e1", "source": "urn:test:producer", "reason": "sent by mistake"}
    clock.happens(event("case.annulled", annulled, id_="x1", case=CASE, time="2026-03-04T10:00:00+01:00"))
    clock.answers(
        "reported", CPAM, "lead", "2026-03-05T09:00:00Z", source=SYSTEM, case=CASE, event="e1", code=0
    )
    clock.until("2026-03-05T12:00:00Z")
    (receipt,) = refused(clock)
    assert (receipt.reason, receipt.errors[0].path) == ("not_allowed", "/correlationid")
