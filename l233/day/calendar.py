"""Gives the dates, periods and times that a generated day speaks of, as text written beforehand."""

from datetime import date, datetime, time, timedelta
from typing import Final

from coordination.instants import PARIS

FIRST_DAY: Final = date(2026, 1, 1)
"""The example scheme is in force from here on: earlier days have no scheme."""

_BEFORE: Final = 1_500
_AFTER: Final = 400
_OPENS: Final = 6 * 3600
_CLOSES: Final = 22 * 3600


class Today:
    """The day on which everything arrives, 06:00 to 22:00 in Paris."""

    def __init__(self, day: date) -> None:
        """Raise ValueError for a day that has no scheme."""
        if not FIRST_DAY <= day <= date(2098, 12, 31):
            raise ValueError(f"a day from {FIRST_DAY} to 2098-12-31 can be generated, not {day}")
        self.iso: Final = day.isoformat()
        self.year: Final = day.year
        self._dates: Final = [(day + timedelta(shift)).isoformat() for shift in range(-_BEFORE, _AFTER + 1)]
        self.last_month: Final = (day.replace(day=1) - timedelta(1)).isoformat()[:7]
        self.last_quarter: Final = _quarter_before(day)
        self._offset: Final = _offset(day)
        long_ago = date(2025, 3, 1) + timedelta(day.day)
        self._long_ago: Final = f"{long_ago.isoformat()}T{{}}{_offset(long_ago)}"

    def date(self, shift: int) -> str:
        """Return the day `shift` days from today, at most 1,500 back and 400 ahead."""
        return self._dates[shift + _BEFORE]

    def time(self, share: float) -> str:
        """Return the instant when that share of the day is over, RFC 3339 with Paris's offset."""
        return f"{self.iso}T{_clock(share)}{self._offset}"

    def before_any_scheme(self, share: float) -> str:
        """Return an instant in 2025."""
        return self._long_ago.format(_clock(share))


def _clock(share: float) -> str:
    milliseconds = int((_OPENS + share * (_CLOSES - _OPENS)) * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def _offset(day: date) -> str:
    noon = datetime.combine(day, time(12), tzinfo=PARIS)
    return noon.isoformat()[-6:]


def _quarter_before(day: date) -> str:
    quarter = (day.month - 1) // 3
    return f"{day.year}-T{quarter}" if quarter else f"{day.year - 1}-T4"
