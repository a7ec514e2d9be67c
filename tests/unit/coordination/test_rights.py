"""Which rights paid contributions open, compared with an oracle that reads the rules plainly."""

from fractions import Fraction
from random import Random

import pytest

import scheme
from coordination import rights
from coordination.contributions import EMPTY, Account
from coordination.rights import ParameterError, Told, parse_parameters, reconcile
from schemas.emitted import RightsMismatch, RightsRecorded
from tests.unit.coordination.careers import Happened, Oracle, career, known
from tests.unit.coordination.test_contributions import PAID, account_of, happened

PARAMETERS = parse_parameters(scheme.parameters())
ORGANISM = "carsat:31"
DECLARED = happened("income.declared", "i1", 12, year=2026, amount="4000.00", source="worker")
REST = happened("contribution.paid", "p2", 10, paid="600.00", due="900.00", base="4000.00")


UNTOLD = Told()


def said_of(
    events: list[Happened], told: Told = UNTOLD, years: tuple[int, ...] = (2026,)
) -> tuple[rights.Reconciled, Account]:
    account = account_of(events)
    return reconcile(ORGANISM, account, told, PARAMETERS, years), account


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_careers_agree_with_the_oracle_event_by_event(seed: int) -> None:
    """Ten thousand in all: income, quarters and mismatch after each event, told once while unchanged."""
    random = Random(seed)
    for _ in range(1_000):
        events = career(random, random.randint(1, 9))
        account, told = EMPTY, Told()
        last: dict[int, tuple[Fraction, int]] = {}
        raised: dict[int, tuple[Fraction, Fraction]] = {}
        for count, event in enumerate(events, 1):
            account = known(account, event)
            reconciled = reconcile(ORGANISM, account, told, PARAMETERS, (2025, 2026))
            told = rights.decode(rights.encode(reconciled.told))
            assert list(reconciled.said) == _expected(events[:count], last, raised)


def _expected(
    events: list[Happened],
    last: dict[int, tuple[Fraction, int]],
    raised: dict[int, tuple[Fraction, Fraction]],
) -> list[RightsRecorded | RightsMismatch]:
    found: list[RightsRecorded | RightsMismatch] = []
    oracle = Oracle(events)
    for year in (2025, 2026):
        now, compared = (oracle.income(year), oracle.validated(year)), oracle.compared(year)
        differed = year in raised and raised[year][0] != raised[year][1]
        gone = not oracle.declares(year)
        if gone:
            raised.pop(year, None)
        closed = differed and (gone or (compared is not None and compared[0] == compared[1]))
        if now != last.get(year, (Fraction(0), 0)) or closed:
            found.append(RightsRecorded(organism=ORGANISM, year=year, income=_money(now[0]), quarters=now[1]))
        last[year] = now
        if compared is None:
            continue
        if compared[0] != compared[1] and raised.get(year) != compared:
            found.append(
                RightsMismatch(
                    organism=ORGANISM, year=year, declared=_money(compared[0]), recorded=_money(compared[1])
                )
            )
        raised[year] = compared
    return found


def _money(amount: Fraction) -> str:
    return f"{float(amount):.2f}"


def test_part_of_what_is_due_counts_in_proportion() -> None:
    found, _ = said_of([PAID])
    assert found.said == (RightsRecorded(organism=ORGANISM, year=2026, income="1333.33", quarters=0),)


def test_income_is_rounded_once_over_the_whole_year() -> None:
    """Three thirds of 0.05 euros make 0.05; each rounded first would make 0.06."""
    thirds = [
        happened("contribution.paid", f"p{n}", 9, period=f"2026-0{n}", paid="1.00", due="3.00", base="0.05")
        for n in (1, 2, 3)
    ]
    assert rights.income(account_of(thirds), 2026) == 5


def test_a_half_cent_is_rounded_up() -> None:
    halved = happened("contribution.paid", "p1", 9, paid="1.00", due="2.00", base="0.05")
    assert rights.income(account_of([halved]), 2026) == 3


def test_what_is_paid_too_much_counts_once() -> None:
    too_much = happened("contribution.paid", "p1", 9, paid="5000.00", due="900.00", base="4000.00")
    assert rights.income(account_of([too_much]), 2026) == 4000_00


def test_a_period_of_which_nothing_is_due_counts_in_full() -> None:
    exempt = happened("contribution.paid", "p1", 9, paid="0.00", due="0.00", base="4000.00")
    assert rights.income(account_of([exempt]), 2026) == 4000_00


@pytest.mark.parametrize(
    ("year", "cents", "quarters"),
    [
        (2026, 1802_99, 0),
        (2026, 1803_00, 1),
        (2026, 7211_99, 3),
        (2026, 7212_00, 4),
        (2026, 90000_00, 4),
        (2025, 1782_00, 1),
        (2024, 1747_49, 0),
        (2023, 1690_50, 1),
    ],
)
def test_quarters_are_validated_by_the_parameter_of_the_year(year: int, cents: int, quarters: int) -> None:
    """150 times the hourly SMIC at 1 January, at most four. The figures: scheme/parameters.csv."""
    assert rights.quarters(cents, PARAMETERS[year]) == quarters


def test_a_period_belongs_to_the_year_it_names() -> None:
    december = happened("contribution.paid", "p1", 9, period="2025-12", paid="9.00", due="9.00", base="50.00")
    found, _ = said_of([december], years=(2025, 2026))
    assert [(said.year, said.organism) for said in found.said] == [(2025, ORGANISM)]


def test_a_difference_is_raised_once_everything_known_is_paid() -> None:
    higher = happened("income.declared", "i1", 8, year=2026, amount="5000.00", source="tax_authority")
    partly, _ = said_of([higher, PAID])
    assert [type(said) for said in partly.said] == [RightsRecorded]
    wholly, _ = said_of([higher, PAID, REST], partly.told)
    assert wholly.said[-1] == RightsMismatch(
        organism=ORGANISM, year=2026, declared="5000.00", recorded="4000.00"
    )
    again, _ = said_of([higher, PAID, REST], wholly.told)
    assert again.said == ()


def test_no_difference_is_raised_when_incomes_agree_or_nothing_but_the_declaration_is_known() -> None:
    agreed, _ = said_of([DECLARED, PAID, REST])
    assert [type(said) for said in agreed.said] == [RightsRecorded]
    alone, _ = said_of([DECLARED])
    assert alone.said == ()


def test_a_difference_that_comes_back_after_it_was_closed_is_raised_again() -> None:
    higher = happened("income.declared", "i2", 13, year=2026, amount="5000.00", source="tax_authority")
    first, _ = said_of([PAID, REST, DECLARED, higher])
    annulment = happened("case.annulled", "x1", 14, corrects="i2")
    closed, _ = said_of([PAID, REST, DECLARED, higher, annulment], first.told)
    assert closed.said == (RightsRecorded(organism=ORGANISM, year=2026, income="4000.00", quarters=2),)
    assert closed.closed == {2026}
    undone = happened("case.annulled", "x2", 15, corrects="x1")
    again, _ = said_of([PAID, REST, DECLARED, higher, annulment, undone], closed.told)
    assert [type(said) for said in again.said] == [RightsMismatch]


def test_an_annulled_payment_takes_its_right_back() -> None:
    first, _ = said_of([PAID])
    found, account = said_of([PAID, happened("case.annulled", "x1", 10, corrects="p1")], first.told)
    assert found.said == (RightsRecorded(organism=ORGANISM, year=2026, income="0.00", quarters=0),)
    assert account.years() == [2026]


def test_a_year_without_parameter_waits_and_is_told_once_it_has_one() -> None:
    early = happened("contribution.paid", "p1", 9, period="2021-T1", paid="9.00", due="9.00", base="2000.00")
    waiting, account = said_of([early], years=(2021,))
    assert (waiting.said, waiting.told.waiting) == ((), (2021,))
    added = parse_parameters("year,quarter,source,status\n2021,1537.50,150 hourly SMIC,example\n")
    found = reconcile(ORGANISM, account, rights.decode(rights.encode(waiting.told)), added, ())
    assert found.said == (RightsRecorded(organism=ORGANISM, year=2021, income="2000.00", quarters=1),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("year,amount\n", "parameters.csv:1: expected the columns"),
        ("year,quarter,source,status\n2026,a lot,x,law\n", "parameters.csv:2: expected a year"),
        ("year,quarter,source,status\n2026,0.00,x,law\n", "parameters.csv:2: a quarter costs more"),
        ("year,quarter,source,status\n2026,1.00,,law\n", "parameters.csv:2: give a source"),
        ("year,quarter,source,status\n2026,1.00,x,sure\n", "parameters.csv:2: give a source"),
        (
            "year,quarter,source,status\n2026,1.00,x,law\n2026,1.00,x,law\n",
            "parameters.csv:3: 2026 stands twice",
        ),
    ],
)
def test_a_parameter_that_cannot_be_used_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        parse_parameters(text)
