"""Decides what an outage of an organism does to its deadlines: its clocks stand still while it lasts.

Own worked example (unverified). A deadline moves by the time that its organism was out of order while it ran,
and ends, as every deadline, with a whole working day of the organism's territory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from coordination.calendar import is_working_day
from coordination.directory import Directory
from schemas.outages import DeclaredOutage

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which an organism can't work, in milliseconds since the epoch; `ends_ms` None: it goes on."""

    organism: str
    starts_ms: int
    ends_ms: int | None


@dataclass(frozen=True, slots=True)
class Outages:
    """Every declared outage, by organism, the earliest first."""

    by_organism: Mapping[str, tuple[Outage, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, outages: Iterable[Outage]) -> "Outages":
        """Return the table of outages."""
        table: dict[str, tuple[Outage, ...]] = {}
        for outage in sorted(outages, key=lambda one: one.starts_ms):
            table[outage.organism] = (*table.get(outage.organism, ()), outage)
        return cls(MappingProxyType(table))

    def standstill(self, organism: str, start_ms: int, due_ms: int, now_ms: int) -> int:
        """Return for how long (milliseconds) a clock stands still, as far as is known at `now_ms`.

        A clock that stands still runs longer, and so meets the outages of that longer time too; overlapping
        outages count once. One whose end nobody knows is taken to end now.
        """
        stood = 0
        reached = start_ms
        for outage in self.by_organism.get(organism, ()):
            ends = now_ms if outage.ends_ms is None else outage.ends_ms
            starts = max(outage.starts_ms, reached)
            if starts < ends and starts < due_ms + stood:
                stood += ends - starts
                reached = ends
        return stood

    def ongoing(self, organism: str, now_ms: int) -> bool:
        """Return whether an organism is out of order at an instant."""
        known = self.by_organism.get(organism)
        return known is not None and any(
            outage.starts_ms <= now_ms and (outage.ends_ms is None or now_ms < outage.ends_ms)
            for outage in known
        )

    def wait_ms(self, organism: str, now_ms: int) -> int | None:
        """Return how long an outage goes on (milliseconds); None when it is not known, or there is none."""
        ends = [
            outage.ends_ms
            for outage in self.by_organism.get(organism, ())
            if outage.starts_ms <= now_ms and (outage.ends_ms is None or now_ms < outage.ends_ms)
        ]
        known = [end for end in ends if end is not None]
        return max(known) - now_ms if known and len(known) == len(ends) else None


NO_OUTAGES: Final = Outages()


class OutageError(ValueError):
    """An outage that can't be: the message says what is wrong and what to do."""


def outage_of(declared: DeclaredOutage, directory: Directory) -> Outage:
    """Return a declared outage as clocks count it.

    Raises OutageError for an organism that is not in the directory, a time without offset, an end before
    the start.
    """
    if declared.organism not in directory.organisms:
        raise OutageError(f"{declared.organism} is no organism of the directory: look at its id")
    starts_ms = _milliseconds(declared.starts)
    ends_ms = None if declared.ends is None else _milliseconds(declared.ends)
    if ends_ms is not None and ends_ms <= starts_ms:
        raise OutageError(f"an outage ends after its start: {declared.ends} is not after {declared.starts}")
    return Outage(declared.organism, starts_ms, ends_ms)


def _milliseconds(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime.min  # noqa: DTZ901  refused below, as every time without offset is
    if instant.tzinfo is None:
        raise OutageError(f"{text} is no instant: write it as 2026-03-02T08:30:00+01:00, offset included")
    return int(instant.timestamp() * 1000)


def moved_due(due: str, by_ms: int, zone: ZoneInfo, holidays: str | None) -> str:
    """Return a deadline moved by a standstill: the end of the working day on which it then lies.

    Args:
        due: the last second of the deadline, RFC 3339.
        by_ms: for how long the clock stood still.
        zone: the organism's time zone.
        holidays: the subdivision whose public holidays count, None for the national ones.
    """
    if by_ms == 0:
        return due
    moved = (datetime.fromisoformat(due).astimezone(UTC) + by_ms * _MILLISECOND).astimezone(zone)
    day = moved.date()
    while not is_working_day(day, holidays):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=zone).isoformat()
