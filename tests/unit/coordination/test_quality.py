"""Every measure counts what its definition says; whatever the order, the split or what is let go of."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from coordination.quality import DAYS_KEPT, Books, Figures, Tally, rounded
from coordination.quality_facts import NOTHING, Asked, Facts, Given, Taken, Told, instant, read, write

WITHIN = 30
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY_MS = 24 * 60 * 60 * 1000
LONG_AFTER = instant("2028-01-01T00:00:00Z")


def at(hours: float) -> str:
    """Return the instant so many hours after the start."""
    return (START + timedelta(hours=hours)).isoformat(timespec="milliseconds")


def asked(
    organism: str = "cpam:311",
    *,
    event: str = "e1",
    name: str = "sick-leave.received",
    role: str = "lead",
    activity: str = "health",
    level: str = "reported",
    by: float = 240,
    time: float = 0,
) -> Asked:
    """Return what an organism is asked; hours from the start."""
    return Asked(event, name, at(time), at(time + 1), organism, role, activity, level, at(by))


def given_(
    level: str, hours: float, organism: str = "cpam:311", *, event: str = "e1", code: int | None = None
) -> Given:
    """Return an answer after so many hours."""
    return Given(event, organism, level, at(hours), code)


def told(
    name: str, hours: float, organism: str, *, level: str = "", due: str = "", event: str = "e1"
) -> Told:
    """Return what came of an event after so many hours."""
    return Told(event, name, organism, at(hours), level, due)


def figures(*facts: Asked | Given | Told, as_of: int = LONG_AFTER) -> dict[tuple[str, str], Tally]:
    """Return the figures of one case by measure and organism, over all days."""
    books = Books(WITHIN)
    for number, fact in enumerate(facts):
        books.take(Taken(("w", "c" if len(facts) > number else ""), _alone(fact)))
    found: dict[tuple[str, str], Tally] = {}
    for key, tally in books.figures(as_of).items():
        found.setdefault((key.measure, key.organism), Tally()).add(tally)
    return found


def _alone(fact: Asked | Given | Told) -> Facts:
    match fact:
        case Asked():
            return Facts(asked=frozenset({fact}))
        case Given():
            return Facts(given=frozenset({fact}))
        case Told():
            return Facts(told=frozenset({fact}))


def share(tally: Tally) -> tuple[int, int]:
    """Return numerator and denominator."""
    return tally.numerator, tally.denominator


# --- what each measure counts --------------------------------------------------------------------


def test_an_answer_at_the_deadline_is_in_time_and_one_after_it_is_not() -> None:
    """The level that is asked counts, or a higher one; `received` does not give a report."""
    measure = ("reported-in-time", "cpam:311")
    assert share(figures(asked(by=48), given_("reported", 48))[measure]) == (1, 1)
    assert share(figures(asked(by=48), given_("reported", 48.001))[measure]) == (0, 1)
    assert share(figures(asked(by=48), given_("received", 1))[measure]) == (0, 1)
    assert share(figures(asked(by=48), given_("refused", 1))[measure]) == (1, 1)
    informed = asked(by=48, level="received", role="informed")
    assert share(figures(informed, given_("received", 1))["received-in-time", "cpam:311"]) == (1, 1)


def test_what_is_still_in_time_is_not_counted_yet() -> None:
    """Neither for nor against the organism: it counts once answered, or once the deadline is over."""
    measure = ("reported-in-time", "cpam:311")
    open_ = asked(by=48)
    assert measure not in figures(open_, as_of=instant(at(48)))
    assert share(figures(open_, as_of=instant(at(48)) + 1)[measure]) == (0, 1)
    assert share(figures(open_, given_("reported", 2), as_of=instant(at(3)))[measure]) == (1, 1)


def test_an_answer_that_arrives_late_in_the_topic_corrects_the_figure() -> None:
    """Given in time, told late: the day of the deadline is corrected."""
    before = figures(asked(by=48))
    after = figures(asked(by=48), given_("reported", 40))
    assert share(before["reported-in-time", "cpam:311"]) == (0, 1)
    assert share(after["reported-in-time", "cpam:311"]) == (1, 1)


def test_a_lead_that_forwards_has_done_its_part() -> None:
    """Of anybody else a forwarding counts as received."""
    assert share(figures(asked(), given_("forwarded", 1))["reported-in-time", "cpam:311"]) == (1, 1)
    host = asked(role="support")
    assert share(figures(host, given_("forwarded", 1))["reported-in-time", "cpam:311"]) == (0, 1)


def test_what_was_annulled_is_owed_by_nobody() -> None:
    """An answer that was given before still counts."""
    annulled = Told("e1", "case.annulled", "", at(5), "", "")
    measure = ("reported-in-time", "cpam:311")
    assert measure not in figures(asked(), annulled)
    assert ("oldest-open-case", "cpam:311") not in figures(asked(), annulled)
    assert share(figures(asked(), annulled, given_("reported", 3))[measure]) == (1, 1)


def test_durations_run_from_the_event() -> None:
    """Registration, reception and report, each to half a percent."""
    found = figures(asked(), given_("received", 2), given_("reported", 100))
    hours = {measure: found[measure, "cpam:311"].quantile(50) for measure, _ in found if "time-to" in measure}
    assert hours.keys() == {"time-to-registration", "time-to-reception", "time-to-report"}
    for measure, expected in (
        ("time-to-registration", 1),
        ("time-to-reception", 2),
        ("time-to-report", 100),
    ):
        milliseconds = hours[measure] or 0
        assert abs(milliseconds - expected * 3_600_000) <= expected * 3_600_000 * 0.005, measure


def test_the_age_of_the_oldest_open_case_runs_from_its_event() -> None:
    """Who has given what it owes has no open case."""
    support = asked("urssaf:midi-pyrenees", role="support")
    found = figures(asked(), support, given_("reported", 1), as_of=instant(at(50)))
    assert found["oldest-open-case", "urssaf:midi-pyrenees"].numerator == 50 * 3_600_000
    assert ("oldest-open-case", "cpam:311") not in found


def test_a_request_is_counted_where_it_was_lodged() -> None:
    """With the competent organism, or with the one that forwarded it."""
    contact = asked(name="contact.received", activity="requests")
    assert share(figures(contact)["wrongly-addressed", "cpam:311"]) == (0, 1)
    found = figures(contact, given_("forwarded", 3, "carsat:31"))
    assert share(found["wrongly-addressed", "carsat:31"]) == (1, 1)
    assert ("wrongly-addressed", "cpam:311") not in found
    assert found["time-to-forward", "carsat:31"].numerator == 3 * 3_600_000
    assert ("wrongly-addressed", "cpam:311") not in figures(asked()), "a sick leave is no request"


def payment() -> Asked:
    """Return what a payment asks of the retirement organism."""
    return asked("carsat:31", name="contribution.paid", role="support", activity="future-rights")


def test_a_right_is_recorded_in_time_within_the_days_that_the_objective_gives() -> None:
    """The last day counts in full; afterwards, or never, is not in time."""
    measure = ("rights-recorded-in-time", "carsat:31")
    recorded = [told("rights.recorded", hours, "carsat:31") for hours in (24 * WITHIN + 12, 24 * WITHIN + 14)]
    assert share(figures(payment(), recorded[0])[measure]) == (1, 1)
    assert share(figures(payment(), recorded[1])[measure]) == (0, 1)
    assert share(figures(payment())[measure]) == (0, 1)
    assert measure not in figures(payment(), as_of=instant(at(24 * WITHIN)))
    of_another_payment = told("rights.recorded", 1, "carsat:31", event="e2")
    assert share(figures(payment(), of_another_payment)[measure]) == (0, 1)


def test_a_payment_that_changes_no_right_is_not_counted() -> None:
    """The organism reports that it took it into account, and records nothing."""
    silent = figures(payment(), given_("reported", 1, "carsat:31", code=0))
    assert ("rights-recorded-in-time", "carsat:31") not in silent
    not_taken = figures(payment(), given_("reported", 1, "carsat:31", code=3))
    assert share(not_taken["rights-recorded-in-time", "carsat:31"]) == (0, 1)


def test_mismatches_are_told_of_the_rights_recorded() -> None:
    """Two records of a right, one difference."""
    found = figures(
        told("rights.recorded", 1, "carsat:31"),
        told("rights.recorded", 2, "carsat:31"),
        told("rights.mismatch", 2, "carsat:31"),
    )
    assert share(found["rights-mismatch", "carsat:31"]) == (1, 2)


def test_social_aid_is_in_time_unless_its_deadline_was_missed() -> None:
    """Paid without a missed deadline; missed, whether paid later or not; before either, not counted."""
    request = asked("urssaf:bretagne", name="social-aid.requested", activity="social-action")
    measure = ("social-aid-in-time", "urssaf:bretagne")
    paid = told("social-aid.paid", 200, "urssaf:bretagne", event="e2")
    missed = told("deadline.missed", 100, "urssaf:bretagne", level="paid", due=at(99))
    assert measure not in figures(request)
    assert share(figures(request, paid)[measure]) == (1, 1)
    assert share(figures(request, missed)[measure]) == (0, 1)
    assert share(figures(request, missed, paid)[measure]) == (0, 1)


@given(st.integers(0, 10**12))
def test_a_duration_is_kept_to_half_a_percent(milliseconds: int) -> None:
    """And what is rounded once stays as it is."""
    kept = rounded(milliseconds)
    assert abs(kept - milliseconds) * 200 <= milliseconds
    assert rounded(kept) == kept


@given(st.lists(st.integers(0, 10**9), min_size=1), st.sampled_from([50, 90, 100]))
def test_a_quantile_is_the_nearest_rank(durations: list[int], percent: int) -> None:
    """The smallest duration that so many percent of all do not exceed."""
    tally = Tally()
    tally.spread.update(map(rounded, durations))
    rank = -(-len(durations) * percent // 100)
    assert tally.quantile(percent) == sorted(map(rounded, durations))[rank - 1]


# --- whatever the order, the split, or what is let go of -----------------------------------------

ORGANISMS = ("cpam:311", "urssaf:midi-pyrenees", "carsat:31")
NAMES = ("contact.received", "contribution.paid", "social-aid.requested", "sick-leave.received")


@dataclass(frozen=True)
class Life:
    """A whole life of cases, as what each record tells, in the order of time."""

    records: list[Taken]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Draw a few cases with answers in and out of time, some missing, some twice, some of strangers."""
    random = Random(draw(st.integers(0, 2**32)))
    records: list[Taken] = []
    for number in range(draw(st.integers(1, 6))):
        case = (f"worker:{number % 3}", f"case-{number}")
        begin = random.randrange(0, 2_000)
        for event in range(random.randint(1, 2)):
            id_, name = f"{number}-{event}", random.choice(NAMES)
            for place, organism in enumerate(random.sample(ORGANISMS, random.randint(1, 3))):
                ask = asked(
                    organism,
                    event=id_,
                    name=name,
                    role="lead" if place == 0 else random.choice(["support", "informed"]),
                    level=random.choice(["received", "reported"]),
                    by=begin + random.randrange(1, 300),
                    time=begin,
                )
                records.append(Taken(case, _alone(ask)))
                for level in random.sample(["received", "reported", "forwarded", "refused", "settled"], 3):
                    said = given_(
                        level, begin + random.randrange(0, 400), organism, event=random.choice([id_, id_, ""])
                    )
                    records.append(Taken(case, _alone(said)))
            for what in random.sample(["rights.recorded", "rights.mismatch", "social-aid.paid"], 2):
                came = told(what, begin + random.randrange(0, 900), random.choice(ORGANISMS), event=id_)
                records.append(Taken(case, _alone(came)))
    return Life(records)


def _figures(records: list[Taken], as_of: int) -> Figures:
    books = Books(WITHIN)
    for record in records:
        books.take(record)
    return books.figures(as_of)


@given(lives(), st.integers(1, 5), st.randoms(use_true_random=False), st.integers(0, 3_000))
def test_however_the_records_are_split_and_ordered_the_figures_are_the_same(
    life: Life, parts: int, random: Random, hours: int
) -> None:
    """Each of several books takes some of the records, some twice, in any order; then they are added up."""
    as_of = instant(at(hours))
    expected = _figures(life.records, as_of)
    split = [Books(WITHIN) for _ in range(parts)]
    for record in random.sample(life.records, len(life.records)):
        for books in random.sample(split, random.randint(1, parts)):
            books.take(record)
    random.shuffle(split)
    whole = Books(WITHIN)
    for books in split:
        whole.add(books)
    assert whole.figures(as_of) == expected


@given(lives(), st.integers(0, 4))
def test_what_is_let_go_of_stays_in_the_figures(life: Life, workers: int) -> None:
    """Books of different workers, which let go of what is complete, add up to the figures of all."""
    expected = _figures(life.records, LONG_AFTER)
    apart: dict[int, Books] = {}
    for record in life.records:
        apart.setdefault(hash(record.case[0]) % (workers + 1), Books(WITHIN)).take(record)
    whole = Books(WITHIN)
    for books in apart.values():
        books.forget(LONG_AFTER - DAYS_KEPT * DAY_MS)
        whole.add(books)
    assert whole.figures(LONG_AFTER) == expected


@given(lives())
def test_only_open_cases_are_kept(life: Life) -> None:
    """Memory is bounded by what is open: complete cases leave their sums, and no more."""
    books = Books(WITHIN)
    for record in life.records:
        books.take(record)
    books.forget(LONG_AFTER)
    for facts in books.cases.values():
        assert any(
            not {given.level for given in facts.given if given.organism == ask.organism}
            & {"settled", "refused"}
            for ask in facts.asked
        )


def test_a_case_that_was_heard_of_lately_is_kept() -> None:
    """What comes late still corrects it."""
    books = Books(WITHIN)
    books.take(Taken(("w", "c"), Facts(frozenset({asked()}), frozenset({given_("reported", 5)}))))
    books.forget(instant(at(5)))
    assert len(books.cases) == 1
    books.forget(instant(at(5)) + 1)
    assert not books.cases


@given(lives())
def test_facts_read_back_as_they_are_written(life: Life) -> None:
    """The lines of several records after each other are the facts of all of them."""
    facts = NOTHING
    for record in life.records:
        facts = facts.with_(record.facts)
    assert read(write(facts)) == facts
    assert read(b"".join(write(record.facts) for record in life.records)) == facts


def test_a_count_belongs_to_the_day_of_paris() -> None:
    """A deadline at the end of a day overseas may lie on the next day of Paris."""
    books = Books(WITHIN)
    ask = asked()._replace(by="2026-03-10T23:59:59-04:00")
    books.take(Taken(("w", "c"), Facts(asked=frozenset({ask}))))
    days = {key.day for key in books.figures(LONG_AFTER) if key.measure == "reported-in-time"}
    assert days == {date(2026, 3, 11)}
