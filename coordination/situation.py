"""Decides which situation of a worker counts at a time: where he lives and works, and his attachments.

Only `activity.registered` (from its start date) and `territory.changed` (from its effective date) change
what is known; days begin at 00:00 Europe/Paris. A time before the earliest entry uses the earliest.
"""

import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.events import ActivityRegistered, EventData, Place, TerritoryChanged
from schemas.records import Situation

_PARIS: Final = ZoneInfo("Europe/Paris")
_BEFORE: Final = ""
"""Sorts before every date: the situation that a worker left before anything else was known of him."""


@dataclass(frozen=True, slots=True)
class History:
    """A worker's situations and the ISO dates from which they count, in order."""

    dates: tuple[str, ...] = ()
    situations: tuple[Situation, ...] = ()

    def at(self, time: datetime) -> Situation | None:
        """Return the situation at an aware time; None when nothing is known of the worker."""
        if not self.dates:
            return None
        if len(self.dates) == 1:
            return self.situations[0]
        day = time.astimezone(_PARIS).date().isoformat()
        return self.situations[max(bisect_right(self.dates, day) - 1, 0)]

    def after(self, data: EventData) -> "History":
        """Return the history once an event is known; itself when the event changes nothing.

        Entries stand in the order of their dates whatever the order of arrival; for the same date the later
        arrival wins.
        """
        match data:
            case ActivityRegistered():
                return self._with(data.start, situation_of(data.worker, data.worker.siren))
            case TerritoryChanged():
                known = self
                if not self.dates:
                    known = History((_BEFORE,), (situation_of(data.previous, data.worker.siren),))
                return known._with(data.effective, situation_of(data.worker, data.worker.siren))
            case _:
                return self

    def _with(self, start: date, situation: Situation) -> "History":
        day = start.isoformat()
        index = bisect_right(self.dates, day)
        kept = index - 1 if index and self.dates[index - 1] == day else index
        return History(
            (*self.dates[:kept], day, *self.dates[index:]),
            (*self.situations[:kept], situation, *self.situations[index:]),
        )


UNKNOWN: Final = History()
"""Nothing is known of the worker."""


def situation_of(place: Place, siren: str) -> Situation:
    """Return the situation that a block of an event gives; the block alone decides, attachments included."""
    attached = place.attachments
    return Situation(
        siren=siren,
        residence=place.residence,
        establishment=place.establishment,
        attachments={} if attached is None else attached.model_dump(exclude_none=True),
    )


def encode(history: History) -> bytes:
    """Return the compact JSON of a history, for the state store."""
    entries = [
        [day, known.siren, known.residence, known.establishment, dict(known.attachments)]
        for day, known in zip(history.dates, history.situations, strict=True)
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


@lru_cache(maxsize=8_192)
def decode(stored: bytes) -> History:
    """Return the history that `encode` wrote."""
    entries: list[tuple[str, str, str, str, dict[str, str]]] = json.loads(stored)
    return History(
        tuple(entry[0] for entry in entries),
        tuple(
            Situation(siren=entry[1], residence=entry[2], establishment=entry[3], attachments=entry[4])
            for entry in entries
        ),
    )
