"""Decides which future rights paid contributions open: income and validated quarters, by year.

Paid, not declared, contributions open rights; the retirement organism records them and checks the data of the
career. Source: CSS art. L215-1, L225-1 (L). When part of what is due is paid, the income counts in proportion
(our own example).
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic_core import from_json

from coordination.contributions import Account, euros
from schemas.emitted import RightsMismatch, RightsRecorded
from schemas.strict_json import compact_json

QUARTERS: Final = 4
"""At most this many quarters are validated in a year. Source: CSS art. R351-9 (M)."""

_COLUMNS: Final = ("year", "quarter", "source", "status")
_STATUSES: Final = ("law", "convention", "example")


class ParameterError(ValueError):
    """The yearly parameters can't be used: the message gives the line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What validates a quarter of a year: 150 times the hourly SMIC at 1 January, `quarter` in euros."""

    year: int
    quarter: Decimal
    source: str
    status: str


Parameters = Mapping[int, Parameter]
"""By year. What is earned in a year without one waits: see `reconcile`."""


_NONE: Final[Mapping[int, tuple[int, int]]] = MappingProxyType({})


class Told(NamedTuple):
    """What was last said of each year: income (cents) and quarters; declared and recorded income (cents)."""

    recorded: Mapping[int, tuple[int, int]] = _NONE
    mismatches: Mapping[int, tuple[int, int]] = _NONE
    waiting: tuple[int, ...] = ()
    """Years that wait for their parameter."""


Said = RightsRecorded | RightsMismatch


class Reconciled(NamedTuple):
    """What is to be said now, by year; `told` once it is said; the years of which a difference is closed."""

    said: tuple[Said, ...]
    told: Told
    closed: frozenset[int]


def parse_parameters(text: str) -> Parameters:
    """Build the parameters from the text of `scheme/parameters.csv`.

    Raises:
        ParameterError: for the first line that can't be used.
    """
    found: dict[int, Parameter] = {}
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != _COLUMNS:
        raise ParameterError(f"parameters.csv:1: expected the columns {', '.join(_COLUMNS)}")
    for row in rows:
        parameter = _parameter(rows.line_num, row)
        if parameter.year in found:
            raise ParameterError(
                f"parameters.csv:{rows.line_num}: {parameter.year} stands twice: remove one of the lines"
            )
        found[parameter.year] = parameter
    return found


def income(account: Account, year: int) -> int:
    """Return the income of a year with contributions paid, in cents: the sum over the periods due.

    Of a period it is base x min(sum of payments, due) / due. A period of which nothing is due counts in full:
    all that was owed is paid. Rounded half up to the cent once, at the end.
    """
    whole, over, under = 0, 0, 1  # whole cents, and the fraction over/under
    for _, period in account.periods(year):
        if period.unpaid:
            over, under = over * period.due + period.base * period.counted * under, under * period.due
        else:
            whole += period.base
    return whole + (2 * over + under) // (2 * under)


def quarters(earned: int, parameter: Parameter) -> int:
    """Return the quarters that a year's income (cents) validates."""
    return min(QUARTERS, int(Decimal(earned).scaleb(-2) // parameter.quarter))


def reconcile(
    organism: str, account: Account, told: Told, parameters: Parameters, years: Iterable[int]
) -> Reconciled:
    """Return what the organism says of these years, now that the account has changed.

    `rights.recorded` when income or quarters are not what was last told (at first 0.00 and none), or when a
    difference is closed: the two incomes are the same, or none is declared any more. Then `rights.mismatch`
    when the declared income is known, every known period is fully paid, at least one is known, and the two
    incomes differ; not again while neither changes. A year without parameter waits: nothing is said of it,
    nothing of it is lost, and the first event after its parameter came says it.
    """
    said: list[Said] = []
    recorded, mismatches = dict(told.recorded), dict(told.mismatches)
    waiting: list[int] = []
    closed: set[int] = set()
    for year in sorted({*years, *told.waiting}):
        parameter = parameters.get(year)
        if parameter is None:
            waiting.append(year)
            continue
        earned = income(account, year)
        now = earned, quarters(earned, parameter)
        declared = _comparable(account, year)
        if year in mismatches and (declared == earned or account.declared(year) is None):
            del mismatches[year]
            closed.add(year)
        if now != recorded.get(year, (0, 0)) or year in closed:
            recorded[year] = now
            said.append(RightsRecorded(organism=organism, year=year, income=euros(earned), quarters=now[1]))
        if declared is not None and declared != earned and mismatches.get(year) != (declared, earned):
            mismatches[year] = declared, earned
            said.append(_mismatch(organism, year, declared, earned))
    return Reconciled(tuple(said), Told(recorded, mismatches, tuple(waiting)), frozenset(closed))


def encode(told: Told) -> bytes:
    """Return the compact JSON of what was told: year, and two numbers."""
    lines: dict[str, list[object]] = {
        name: [[year, *said] for year, said in sorted(by_year.items())]
        for name, by_year in (("recorded", told.recorded), ("mismatches", told.mismatches))
    }
    lines["waiting"] = list(told.waiting)
    return compact_json(lines).encode()


def decode(stored: bytes) -> Told:
    """Return what `encode` wrote."""
    lines = from_json(stored)
    return Told(
        {year: (earned, validated) for year, earned, validated in lines["recorded"]},
        {year: (declared, earned) for year, declared, earned in lines["mismatches"]},
        tuple(lines["waiting"]),
    )


def _mismatch(organism: str, year: int, declared: int, earned: int) -> RightsMismatch:
    return RightsMismatch(organism=organism, year=year, declared=euros(declared), recorded=euros(earned))


def _comparable(account: Account, year: int) -> int | None:
    """Return the declared income of a year (cents) if it can be compared with what is recorded."""
    declared = account.declared(year)
    if declared is None:
        return None
    periods = account.periods(year)
    return declared if periods and not any(period.unpaid for _, period in periods) else None


def _parameter(line: int, row: Mapping[str, str]) -> Parameter:
    try:
        year, quarter = int(row["year"]), Decimal(row["quarter"])
    except (ValueError, InvalidOperation, TypeError) as error:
        raise ParameterError(
            f"parameters.csv:{line}: expected a year and an amount, such as 2026,1803.00"
        ) from error
    if not quarter.is_finite() or quarter <= 0:
        raise ParameterError(f"parameters.csv:{line}: a quarter costs more than nothing: correct {quarter}")
    if row["status"] not in _STATUSES or not row["source"]:
        raise ParameterError(f"parameters.csv:{line}: give a source, and a status of {', '.join(_STATUSES)}")
    return Parameter(year, quarter, row["source"], row["status"])
