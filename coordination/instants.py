"""Decides how an instant is written: RFC 3339 in UTC, as text and as milliseconds since the epoch.

A day that is no organism's own is a day in Paris.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

PARIS: Final = ZoneInfo("Europe/Paris")
_LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999."""


@lru_cache(maxsize=8_192)
def milliseconds(text: str) -> int:
    """Return the milliseconds since the epoch of an RFC 3339 instant."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@lru_cache(maxsize=8_192)
def instant(at_ms: int) -> str:
    """Return milliseconds since the epoch as RFC 3339 in UTC."""
    second = datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()
    return f"{second[:-6]}.{at_ms % 1000:03d}Z"  # without +00:00


def recorded(timestamp: int) -> str:
    """Return a record's timestamp (milliseconds) as RFC 3339 in UTC, within the years 1970 to 9999."""
    return instant(timestamp if 0 <= timestamp <= _LAST_MS else min(max(timestamp, 0), _LAST_MS))


def later(known: str, new: str) -> str:
    """Return the later of two instants; of nothing and an instant, the instant."""
    if len(known) == len(new) and known[-1] == "Z" == new[-1]:
        return max(known, new)  # both as `instant` writes them: no need to take them apart
    if not known:
        return new
    known_ms, new_ms = milliseconds(known), milliseconds(new)
    if known_ms == new_ms:
        return max(known, new)
    return new if new_ms > known_ms else known


def moment(text: str) -> tuple[int, str]:
    """Order by instant, and for the same instant told in two ways by the text."""
    return milliseconds(text), text
