"""Decides when a deadline ends: the legal clock.

Every deadline counts from the day of the event and ends at 23:59:59, in the organism's own time zone. A
working day is Monday to Friday and no public holiday of the territory. Source: code de procédure civile,
art. 641-642 (from memory, unverified); holidays as the library `holidays` gives them for France and its
subdivisions.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, assert_never, get_args
from zoneinfo import ZoneInfo

import holidays

Unit = Literal["working days", "days", "months"]

LAST_YEAR: Final = 2099
"""Last year of an event whose deadlines can be counted: the library knows the public holidays until 2100."""

_SATURDAY: Final = 5
_LONGEST: Final = 250


class CalendarError(ValueError):
    """A length of time that can't be read or counted: the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A length of time of the scheme, such as 10 working days."""

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Delay":
        """Read `1 working day`, `7 days` or `6 months`.

        Raises:
            CalendarError: when the text is none of these, or longer than the calendar can count.
        """
        number, _, unit = text.partition(" ")
        plural = unit if unit.endswith("s") else f"{unit}s"
        for known in get_args(Unit):
            if plural == known and number.isascii() and number.isdecimal() and 0 < int(number) <= _LONGEST:
                return cls(int(number), known)
        raise CalendarError(f"{text!r} is no delay: write for example 10 working days, 7 days or 6 months")

    def __str__(self) -> str:
        return f"{self.count} {self.unit if self.count > 1 else self.unit.removesuffix('s')}"


def is_known_subdivision(subdivision: str) -> bool:
    """Return whether public holidays are known for this subdivision of France (`57`, `6AE`, `971`…)."""
    return subdivision in holidays.France.subdivisions


def deadline(time: datetime, delay: Delay, zone: ZoneInfo, subdivision: str | None) -> str:
    """Return the last second of a delay that runs from the day of `time`, as RFC 3339 text.

    Args:
        time: the event's time, aware; its local day in `zone` is the day of the event, which doesn't count.
        delay: n working days end on the n-th working day after; n days on the n-th calendar day; n months on
            the day of the same number (or the month's last), moved to the next working day if it is none.
        zone: the organism's own time zone.
        subdivision: whose public holidays count, None for the national ones.

    Raises:
        CalendarError: when the time lies after the year LAST_YEAR.
    """
    return deadline_from(time.astimezone(zone).date(), delay.unit, delay.count, zone, subdivision)


@lru_cache(maxsize=65_536)
def deadline_from(day: date, unit: Unit, count: int, zone: ZoneInfo, subdivision: str | None) -> str:
    """Return the last second of a delay that runs from a local day: see `deadline`."""
    if day.year > LAST_YEAR + 1:
        raise CalendarError(
            f"no deadline can be counted from {day}: holidays are known until {LAST_YEAR + 1}"
        )
    last = _last_day(day, unit, count, subdivision)
    return datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=zone).isoformat()


def _last_day(day: date, unit: Unit, count: int, subdivision: str | None) -> date:
    match unit:
        case "working days":
            return _nth_working_day(day, count, subdivision)
        case "days":
            return day + timedelta(days=count)
        case "months":
            return _working_day_from(months_later(day, count), subdivision)
        case _:
            assert_never(unit)


def _nth_working_day(day: date, count: int, subdivision: str | None) -> date:
    for _ in range(count):
        day = _working_day_from(day + timedelta(days=1), subdivision)
    return day


def _working_day_from(day: date, subdivision: str | None) -> date:
    while not is_working_day(day, subdivision):
        day += timedelta(days=1)
    return day


def months_later(day: date, months: int) -> date:
    """Return the day of the same number so many months later, or the last of that month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    next_year, next_month = divmod(index + 1, 12)
    last = (date(next_year, next_month + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def is_working_day(day: date, subdivision: str | None) -> bool:
    """Return whether `day` is Monday to Friday and no public holiday of the subdivision."""
    return day.weekday() < _SATURDAY and day not in _public_holidays(day.year, subdivision)


@lru_cache(maxsize=4_096)
def _public_holidays(year: int, subdivision: str | None) -> frozenset[date]:
    return frozenset(holidays.France(subdiv=subdivision, years=year, expand=False))
