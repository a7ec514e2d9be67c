"""What a collection organism proves from its ledger."""

from coordination.contributions import EMPTY
from coordination.proofs import for_allowances, of_career, of_year
from tests.unit.coordination.test_contributions import PAID, account_of, happened

CALLED = happened("contribution.called", "c1", 8, period="2026-T2", due="900.00", base="4000.00")
BROKEN = happened("payment-delay.broken", "b1", 12)


def test_what_is_not_known_is_said() -> None:
    assert for_allowances(EMPTY) == ("no income, contribution or payment delay is known",)
    assert of_year(EMPTY, 2026) == ("no contribution of 2026 is known",)
    assert of_career(EMPTY) == ("no contribution is known",)


def test_allowances_look_at_the_last_three_incomes() -> None:
    incomes = [
        happened("income.declared", f"i{year}", 9, year=year, amount=f"{year}.00", source="worker")
        for year in (2025, 2022, 2024, 2023)
    ]
    assert for_allowances(account_of(incomes)) == (
        "income declared for 2023: 2023.00",
        "income declared for 2024: 2024.00",
        "income declared for 2025: 2025.00",
    )


def test_allowances_hear_what_is_paid_and_of_broken_delays() -> None:
    assert for_allowances(account_of([PAID, BROKEN])) == (
        "contributions: 300.00 paid of 900.00 due",
        "payment delay of 2026-T1: broken",
    )


def test_a_year_is_proven_period_by_period_what_was_only_called_included() -> None:
    other = happened("contribution.paid", "p9", 9, period="2025-12", paid="1.00", due="1.00", base="1.00")
    assert of_year(account_of([CALLED, PAID, other]), 2026) == (
        "2026-T1: 300.00 paid of 900.00 due, base 4000.00",
        "2026-T2: 900.00 called, no payment is known",
    )


def test_a_career_is_proven_year_by_year_and_what_is_paid_too_much_counts_once() -> None:
    other = happened("contribution.paid", "p9", 9, period="2025-12", paid="9.00", due="1.00", base="1.00")
    assert of_career(account_of([PAID, other])) == (
        "2025: 1.00 paid of 1.00 due",
        "2026: 300.00 paid of 900.00 due",
    )
