"""What counts for daily allowances on a day, compared with an oracle that reads the rules plainly."""

from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination import entitlement as entitlements
from coordination.contributions import EMPTY, Account
from coordination.entitlement import (
    UNTOLD,
    WHOLE,
    Entitlement,
    Standing,
    after_delays,
    after_event,
    entitlement,
)
from tests.unit.coordination.careers import Happened, Oracle, career, known
from tests.unit.coordination.test_contributions import CAREERS, PAID, account_of, happened

UNPAID = happened("contribution.unpaid", "u1", 10, due="900.00", missed=1)
GRANTED = happened("payment-delay.granted", "g1", 11, until="2026-05-31")
BROKEN = happened("payment-delay.broken", "b1", 12)


def lived(events: list[Happened]) -> tuple[list[tuple[str, Entitlement]], Account, Standing]:
    """Return what an organism tells, event by event, and where it stands."""
    told = []
    account, standing = EMPTY, UNTOLD
    for event in events:
        ended, standing = after_delays(account, standing, event.day)
        account = known(account, event)
        change, standing = after_event(account, standing, event.day)
        told += [(found.on, found.now) for found in (*ended, *((change,) if change else ()))]
        standing = entitlements.decode(entitlements.encode(standing))
    return told, account, standing


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_careers_agree_with_the_oracle_day_by_day(seed: int) -> None:
    """Ten thousand in all. The oracle asks on every day that anything can change, by what was known then."""
    random = Random(seed)
    for _ in range(1_000):
        events = sorted(career(random, random.randint(1, 9)), key=lambda event: event.at)
        told, account, standing = lived(events)
        told += [(found.on, found.now) for found in after_delays(account, standing, "2027-01-01")[0]]
        assert [(on, Fraction(now.ratio), now.full) for on, now in told] == _expected(events)


def _expected(events: list[Happened]) -> list[tuple[str, Fraction, bool]]:
    """Ask after each event, and before the events of each day after some delay's last."""
    ends = {date.fromisoformat(str(e.data["until"])) + timedelta(days=1) for e in events if "until" in e.data}
    found: list[tuple[str, Fraction, bool]] = []
    last = (Fraction(1), True)
    instants = [(day.isoformat(), 0, 0) for day in ends]
    instants += [(event.day, 1, count) for count, event in enumerate(events, 1)]
    known_by = 0
    for day, _, count in sorted(instants):
        known_by = count or known_by
        now = Oracle(events[:known_by]).entitled(day)
        if now != last:
            found.append((day, *now))
        last = now
    return found


@given(CAREERS, st.randoms(use_true_random=False))
def test_where_it_stands_in_the_end_does_not_depend_on_the_order_of_arrival(
    events: list[Happened], random: Random
) -> None:
    shuffled = random.sample(events, len(events))
    assert lived(shuffled)[2] == lived(sorted(events, key=lambda event: event.at))[2]


def test_nothing_due_or_due_nothing_is_a_whole_entitlement() -> None:
    assert entitlement(EMPTY, "2026-03-02") == WHOLE
    nothing = happened("contribution.unpaid", "u1", 10, due="0.00", missed=1)
    assert entitlement(account_of([nothing]), "2026-03-02") == WHOLE


def test_the_ratio_is_what_is_paid_of_what_is_due_half_up_to_four_decimals() -> None:
    assert entitlement(account_of([PAID]), "2026-03-02") == Entitlement("0.3333", full=False)
    half = happened("contribution.paid", "p9", 9, paid="0.33", due="8.00", base="50.00")
    assert entitlement(account_of([half]), "2026-03-02").ratio == "0.0413"  # 0.04125


def test_what_is_paid_too_much_of_one_period_counts_for_no_other() -> None:
    rich = happened("contribution.paid", "p2", 9, period="2026-T2", paid="9000.00", due="900.00", base="1.00")
    assert entitlement(account_of([UNPAID, rich]), "2026-03-02") == Entitlement("0.5000", full=False)


def test_a_delay_keeps_the_allowances_whole_until_its_last_day() -> None:
    account = account_of([UNPAID, GRANTED])
    assert entitlement(account, "2026-05-31") == Entitlement("0.0000", full=True)
    assert entitlement(account, "2026-06-01") == Entitlement("0.0000", full=False)


def test_a_delay_must_cover_every_unpaid_period() -> None:
    other = happened("contribution.unpaid", "u2", 10, period="2026-T2", due="900.00", missed=1)
    assert not entitlement(account_of([UNPAID, GRANTED, other]), "2026-03-02").full


def test_a_broken_delay_counts_no_more_until_another_is_granted() -> None:
    again = happened("payment-delay.granted", "g2", 13, until="2026-06-30")
    assert not entitlement(account_of([UNPAID, GRANTED, BROKEN]), "2026-03-02").full
    assert entitlement(account_of([again, BROKEN, UNPAID, GRANTED]), "2026-03-02").full


def test_a_delay_that_ended_is_told_on_the_day_after_and_names_the_delay() -> None:
    told, account, standing = lived([UNPAID, GRANTED])
    assert told == [
        ("2026-03-02", Entitlement("0.0000", full=False)),
        ("2026-03-02", Entitlement("0.0000", full=True)),
    ]
    (change,), after = after_delays(account, standing, "2026-07-01")
    assert (change.on, change.now.full) == ("2026-06-01", False)
    assert change.ended is not None
    assert change.ended.id == "g1"
    assert after_delays(account, after, "2026-07-02") == ((), Standing(change.now, "2026-07-02"))


def test_what_arrives_late_does_not_revive_an_ended_delay() -> None:
    _, account, standing = lived([UNPAID, GRANTED])
    _, standing = after_delays(account, standing, "2026-07-01")
    late = happened("contribution.unpaid", "u0", 8, due="900.00", missed=1)
    change, standing = after_event(known(account, late), standing, late.day)
    assert change is None
    assert (standing.told.full, standing.day) == (False, "2026-07-01")
