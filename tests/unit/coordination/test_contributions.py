"""The account of a worker's contributions: it depends on what is known, never on how it came to be known."""

from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from coordination.contributions import EMPTY, Account, Summary, decode, encode
from tests.unit.coordination.careers import Happened, career, known

CAREERS = st.builds(career, st.randoms(use_true_random=False), st.integers(1, 16))


def account_of(events: list[Happened]) -> Account:
    return reduce(known, events, EMPTY)


def of_period(account: Account, period: str = "2026-T1") -> Summary:
    return account.summaries[period]


def happened(name: str, id_: str, hour: int, corrects: str = "", **data: str | int) -> Happened:
    instant = career(Random(0), 1)[0].at.replace(month=3, day=2, hour=hour)
    if "contribution" in name or "delay" in name:
        data.setdefault("period", "2026-T1")
    return Happened(name, id_, instant, data, corrects)


PAID = happened("contribution.paid", "p1", 9, paid="300.00", due="900.00", base="4000.00")


@given(CAREERS, st.randoms(use_true_random=False))
def test_order_and_duplicates_change_nothing(events: list[Happened], random: Random) -> None:
    again = [*events, *random.sample(events, random.randint(0, len(events)))]
    random.shuffle(again)
    straight, shuffled = account_of(events), account_of(again)
    assert shuffled == straight
    assert encode(shuffled) == encode(straight)
    assert shuffled.summaries == straight.summaries


@given(CAREERS)
def test_what_is_stored_reads_back_the_same(events: list[Happened]) -> None:
    account = account_of(events)
    assert decode(encode(account)) == account
    assert decode(encode(account)).summaries == account.summaries


@given(CAREERS, st.integers(0, 16), st.integers(0, 16))
def test_accounts_merge_to_what_either_knows(events: list[Happened], first: int, second: int) -> None:
    """Whatever the organism handing over and the one taking over know in common."""
    here, there = account_of(events[:first]), account_of(events[min(first, second) :])
    whole = account_of(events[:first] + events[min(first, second) :])
    assert here.merged(there) == there.merged(here) == whole
    assert here.merged(there).summaries == whole.summaries


@given(CAREERS, st.integers(0, 16))
def test_a_restart_changes_nothing(events: list[Happened], at: int) -> None:
    restarted = reduce(known, events[at:], decode(encode(account_of(events[:at]))))
    assert restarted == account_of(events)


def test_payments_of_a_period_add_up_and_its_latest_event_says_what_is_due() -> None:
    later = happened("contribution.paid", "p2", 11, paid="200.00", due="800.00", base="3900.00")
    between = happened("contribution.unpaid", "u1", 10, due="850.00", missed=1)
    said = of_period(account_of([later, PAID, between]))
    assert (said.paid, said.due, said.base) == (500_00, 800_00, 3900_00)


def test_an_unpaid_notice_says_what_is_due_and_leaves_the_base() -> None:
    said = of_period(account_of([PAID, happened("contribution.unpaid", "u1", 10, due="850.00", missed=1)]))
    assert (said.due, said.base) == (850_00, 4000_00)


def test_of_two_events_at_one_instant_the_higher_id_is_the_latest() -> None:
    twin = happened("contribution.paid", "p0", 9, paid="1.00", due="100.00", base="500.00")
    assert of_period(account_of([PAID, twin])).due == of_period(account_of([twin, PAID])).due == 900_00


def test_times_are_compared_as_instants_not_as_text() -> None:
    """10:30 in Paris is before 10:00 in Cayenne."""
    account = EMPTY
    for id_, time, due in (
        ("a", "2026-03-02T10:30:00+01:00", "1.00"),
        ("b", "2026-03-02T10:00:00-03:00", "2.00"),
    ):
        event = happened("contribution.unpaid", id_, 9, due=due, missed=1)
        account = known(account, Happened(event.name, id_, event.at.fromisoformat(time), event.data))
    assert of_period(account).due == 2_00


def test_a_call_alone_makes_nothing_due() -> None:
    account = account_of([happened("contribution.called", "c1", 8, due="900.00", base="4000.00")])
    assert account.periods() == []


def test_an_annulled_payment_counts_no_more_even_when_the_annulment_came_first() -> None:
    annulment = happened("case.annulled", "x1", 10, corrects="p1")
    assert account_of([PAID, annulment]).periods() == account_of([annulment, PAID]).periods() == []


def test_an_updated_payment_moves_to_the_period_it_now_names() -> None:
    update = happened("case.updated", "x1", 10, "p1", period="2026-T2", paid="9.00", due="9.00", base="50.00")
    account = account_of([update, PAID])
    assert [(period, said.paid) for period, said in account.periods()] == [("2026-T2", 9_00)]


def test_annulling_a_correction_brings_back_what_it_corrected() -> None:
    annulment = happened("case.annulled", "x1", 10, corrects="p1")
    again = happened("case.annulled", "x2", 11, corrects="x1")
    assert account_of([again, PAID, annulment]).periods() == account_of([PAID]).periods()


def test_corrections_that_annul_each_other_end() -> None:
    """A circle can't come from intake; if one is ever stored, the account still answers."""
    circle = [
        happened("case.annulled", "x1", 10, corrects="x2"),
        happened("case.annulled", "x2", 11, corrects="x1"),
    ]
    assert len(account_of([PAID, *circle]).periods()) == 1
