"""Times on the command line: a date, which is a day in Paris, or an RFC 3339 time with its offset."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Final

from coordination.instants import PARIS
from l233.errors import BadInput

_DATE: Final = len("2026-03-02")


def beginning(option: str, text: str) -> datetime:
    """Return the instant that an option names; a date alone is 0:00 of that day. Raises BadInput."""
    return _instant(option, text, midnight)


def end(option: str, text: str) -> datetime:
    """Return the instant that an option names; a date alone is 0:00 of the day after. Raises BadInput."""
    return _instant(option, text, _midnight_after)


def start(since: str | None, end: datetime | None) -> datetime | None:
    """Return the instant that `--from` names, None without one. Raises BadInput if it is not before `end`."""
    found = None if since is None else beginning("--from", since)
    if found is not None and end is not None and end <= found:
        raise BadInput(f"--from {since} is not before --to: nothing lies between them")
    return found


def last(option: str, text: str) -> datetime:
    """Return the instant that an option names; a date alone is that day's last one. Raises BadInput."""
    return _instant(option, text, end_of_day)


def midnight(day: date) -> datetime:
    """Return the first instant of a day in Paris."""
    return datetime.combine(day, time(), PARIS)


def end_of_day(day: date) -> datetime:
    """Return the last millisecond of a day in Paris."""
    return _midnight_after(day) - timedelta(milliseconds=1)


def _midnight_after(day: date) -> datetime:
    return midnight(day + timedelta(days=1))


def _instant(option: str, text: str, of_day: Callable[[date], datetime]) -> datetime:
    expected = f"{option} {text}: expected a date, 2026-03-02, or a time, 2026-03-02T09:30:00+01:00"
    try:
        if len(text) == _DATE:
            return of_day(date.fromisoformat(text))
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadInput(expected) from None
    if instant.tzinfo is None:
        raise BadInput(expected)
    return instant
