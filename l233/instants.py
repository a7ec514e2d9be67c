"""Times on the command line: a date, which is a day in Paris, or an RFC 3339 time with its offset."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from l233.errors import BadInput

PARIS: Final = ZoneInfo("Europe/Paris")
_DATE: Final = len("2026-03-02")


def beginning(option: str, text: str) -> datetime:
    """Return the instant that an option names; a date alone is 0:00 of that day. Raises BadInput."""
    return _instant(option, text, timedelta(0))


def end(option: str, text: str) -> datetime:
    """Return the instant that an option names; a date alone is 0:00 of the day after. Raises BadInput."""
    return _instant(option, text, timedelta(days=1))


def _instant(option: str, text: str, later: timedelta) -> datetime:
    expected = f"{option} {text}: expected a date, 2026-03-02, or a time, 2026-03-02T09:30:00+01:00"
    try:
        if len(text) == _DATE:
            return datetime.combine(date.fromisoformat(text) + later, time(), PARIS)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadInput(expected) from None
    if instant.tzinfo is None:
        raise BadInput(expected)
    return instant
