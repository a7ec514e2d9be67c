"""Decides which day, month, quarter and year of Paris an instant lies in, and what a window of days is.

Written `2026-03-02`, `2026-03`, `2026-T1` and `2026`: the quarter as contributions write it.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, assert_never, get_args

from coordination.instants import PARIS

Length = Literal["day", "month", "quarter", "year"]
LENGTHS: Final[tuple[Length, ...]] = get_args(Length)


_TEXT: Final = re.compile(r"([0-9]{4})(?:-(?:T([1-4])|([0-9]{2})(?:-([0-9]{2}))?))?")
_MONTHS_OF_A_QUARTER: Final = 3
_DECEMBER: Final = 12


class PeriodError(ValueError):
    """A text that names no period: the message says what is expected."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A stretch of days, both ends in it; `text` is how it is written."""

    first: date
    last: date
    text: str

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=PARIS)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        after = self.last + timedelta(days=1)
        return datetime(after.year, after.month, after.day, tzinfo=PARIS)

    def __contains__(self, day: date) -> bool:
        """Say whether a day lies in it."""
        return self.first <= day <= self.last


def day_of(instant: datetime) -> date:
    """Return the day of Paris on which an instant lies."""
    return instant.astimezone(PARIS).date()


@lru_cache(maxsize=16_384)
def period_of(day: date, length: Length) -> Period:
    """Return the period of a length in which a day lies."""
    match length:
        case "day":
            return Period(day, day, day.isoformat())
        case "month":
            return _months(day.year, day.month, 1, f"{day:%Y-%m}")
        case "quarter":
            quarter = (day.month - 1) // _MONTHS_OF_A_QUARTER
            text = f"{day:%Y}-T{quarter + 1}"
            return _months(day.year, quarter * _MONTHS_OF_A_QUARTER + 1, _MONTHS_OF_A_QUARTER, text)
        case "year":
            return _months(day.year, 1, _DECEMBER, f"{day:%Y}")
        case _:
            assert_never(length)


def _months(year: int, month: int, count: int, text: str) -> Period:
    years, after = divmod(month - 1 + count, _DECEMBER)
    return Period(date(year, month, 1), date(year + years, after + 1, 1) - timedelta(days=1), text)


def last_days(count: int, day: date) -> Period:
    """Return the window of so many days that ends with a day, written `30d`."""
    return Period(day - timedelta(days=count - 1), day, f"{count}d")


def parse(text: str) -> Period:
    """Read a period.

    Raises:
        PeriodError: for a text that names none, or a day or month that the calendar has not.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise PeriodError(f"{text!r} is no period: write 2026-03-02, 2026-03, 2026-T1 or 2026")
    year, quarter, month, day = found.groups()
    try:
        if quarter is not None:
            return period_of(date(int(year), int(quarter) * _MONTHS_OF_A_QUARTER, 1), "quarter")
        length: Length = "year" if month is None else "month" if day is None else "day"
        return period_of(date(int(year), int(month or 1), int(day or 1)), length)
    except ValueError as error:
        raise PeriodError(f"{text!r} is not in the calendar: {error}") from error


def length_of(period: Period) -> Length | None:
    """Return which length a period of the calendar has; None for a window of days."""
    return next((length for length in LENGTHS if period_of(period.first, length) == period), None)
