"""What the heads report for a year: what stayed open after their reminders, and of whom nothing is told."""

from datetime import datetime

from coordination.periods import parse
from coordination.yearly import HeadReport, yearly
from schemas.records import CaseClock, CaseEscalation, CaseRecipient, CaseState

YEAR = parse("2026")
NEW_YEAR = datetime.fromisoformat("2027-01-10T09:00:00+01:00")
REMIND_BY = "2026-04-08T23:59:59+02:00"


def case(
    *, done: str | None, remind_by: str | None = REMIND_BY, level: str = "reported", number: int = 1
) -> CaseState:
    """Return a case in which CPAM 311 was late, and one of its clocks too."""
    part = CaseRecipient(
        decision="d",
        organism="cpam:311",
        role="lead",
        activity="health",
        acknowledge="reported",
        by="2026-03-31T23:59:59+02:00",
        given=(),
        done_at=done,
    )
    clock = CaseClock(
        decision="d",
        organism="cpam:311",
        level="paid",
        until="social-aid.paid",
        due="2026-03-31T23:59:59+02:00",
        near_at=None,
        missed_at=None,
        done_at=done,
        ended=None,
    )
    escalation = CaseEscalation(
        id="x",
        to="cnam",
        decision="d",
        organism="cpam:311",
        level=level,
        at="2026-04-01T00:00:00+02:00",
        received_at=None if remind_by is None else "2026-04-01T08:00:00+02:00",
        remind_by=remind_by,
    )
    return CaseState(
        case=f"case-{number}",
        worker="worker:0123456789abcdef0123456789abcdef",
        opened="2026-03-17T09:00:00+01:00",
        updated="2026-04-01T08:00:00+02:00",
        status="open",
        events=(),
        recipients=(part,),
        waiting=(),
        clocks=(clock,),
        escalations=(escalation,),
    )


def report(*cases: CaseState, year: str = "2026", as_of: datetime = NEW_YEAR) -> dict[str, HeadReport]:
    """Return the reports by head."""
    made = yearly(cases, parse(year), as_of, ("cnam", "cnav", "acoss"))
    return {one.head: one for one in made}


def test_what_stayed_open_after_the_reminder_is_listed_with_its_head() -> None:
    """Still open, and answered too late; not what was answered by the reminder's last second."""
    in_time = case(done=REMIND_BY, number=1)
    late = case(done="2026-04-09T00:00:00+02:00", number=2)
    never = case(done=None, number=3)
    told = report(in_time, late, never)
    assert (told["cnam"].escalated, told["cnam"].answered) == (3, 1)
    assert [one.case for one in told["cnam"].open] == ["case-2", "case-3"]
    assert [one.answered for one in told["cnam"].open] == ["2026-04-09T00:00:00+02:00", None]
    assert told["acoss"] == HeadReport("acoss", "2026", 0, 0, ())


def test_a_reminder_that_still_runs_is_not_open_yet() -> None:
    """Neither answered nor open: it is seen in the next report."""
    told = report(case(done=None), as_of=datetime.fromisoformat("2026-04-08T12:00:00+02:00"))
    assert (told["cnam"].escalated, told["cnam"].answered, told["cnam"].open) == (1, 0, ())


def test_what_happened_after_the_report_is_not_known_in_it() -> None:
    """Neither an answer nor an escalation of later."""
    before = datetime.fromisoformat("2026-04-20T00:00:00+02:00")
    answered_later = case(done="2026-05-01T00:00:00+02:00")
    assert len(report(answered_later, as_of=before)["cnam"].open) == 1
    assert (
        report(case(done=None), as_of=datetime.fromisoformat("2026-03-31T12:00:00+02:00"))["cnam"].escalated
        == 0
    )


def test_an_escalation_that_its_head_never_received_is_listed() -> None:
    """Nobody was reminded: that is worth telling, too."""
    told = report(case(done=None, remind_by=None))
    assert [one.standing for one in told["cnam"].open] == ["unheard"]


def test_a_further_clock_of_a_case_counts_as_an_acknowledgement_does() -> None:
    """Aid that is not paid has no activity of its own."""
    told = report(case(done=None, level="paid"))
    assert [(one.level, one.activity) for one in told["cnam"].open] == [("paid", None)]


def test_a_year_takes_what_its_reminders_end_in() -> None:
    """A reminder that ends in January belongs to the new year."""
    turning = case(done=None, remind_by="2027-01-05T23:59:59+01:00")
    assert report(turning)["cnam"].escalated == 0
    assert report(turning, year="2027")["cnam"].escalated == 1


def test_the_worker_is_not_told() -> None:
    """The report leaves the organisms: nothing in it names a worker."""
    assert "worker" not in repr(report(case(done=None)))
