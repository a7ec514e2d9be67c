"""Decides which situation of a worker counts at a time: where he lives and works, and his attachments.

Only `activity.registered` (from its start date) and `territory.changed` (from its effective date) change
what is known, and corrections of these; days begin at 00:00 Europe/Paris.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from coordination.instants import PARIS
from schemas.events import ActivityRegistered, EventData, Place, TerritoryChanged
from schemas.records import Situation

_ALWAYS: Final = ""
"""Sorts before every date."""
_MOST_OF_A_DAY: Final = 16
"""Entries kept of one date: the last counts, the others come back when it is annulled."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A situation and the ISO date from which it counts.

    `origin` says which event it comes from, so that a correction finds it; "" where an older store kept none.
    `left` is the situation before, as a move tells it.
    """

    day: str
    situation: Situation
    origin: str = ""
    left: Situation | None = None


def _day(entry: Entry) -> str:
    return entry.day


@dataclass(frozen=True, slots=True)
class History:
    """What is known of where a worker is, in the order of dates; of one date in the order of arrival."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def always(cls, situation: Situation) -> "History":
        """Return the history in which a situation always counts."""
        return cls((Entry(_ALWAYS, situation),))

    def at(self, time: datetime) -> Situation | None:
        """Return the situation at an aware time; None when nothing is known of the worker.

        Before the earliest date it is what was left then, if a move tells it, else the earliest.
        """
        if not self.entries:
            return None
        first = self.entries[0]
        if len(self.entries) == 1 and first.left is None:
            return first.situation
        day = time.astimezone(PARIS).date().isoformat()
        index = bisect_right(self.entries, day, key=_day)
        if index:
            return self.entries[index - 1].situation
        earliest = self.entries[bisect_right(self.entries, first.day, key=_day) - 1]
        return earliest.situation if earliest.left is None else earliest.left

    def after(self, data: EventData, origin: bytes) -> "History":
        """Return the history once an event is known; itself when the event changes nothing.

        Entries stand in the order of their dates whatever the order of arrival; for the same date the later
        arrival wins. `origin` tells the event from any other of this worker.
        """
        match data:
            case ActivityRegistered(worker=worker, start=start):
                entry = Entry(start.isoformat(), situation_of(worker, worker.siren), origin.hex())
            case TerritoryChanged(worker=worker, effective=effective):
                left = situation_of(data.previous, worker.siren)
                entry = Entry(effective.isoformat(), situation_of(worker, worker.siren), origin.hex(), left)
            case _:
                return self
        index = bisect_right(self.entries, entry.day, key=_day)
        first = bisect_left(self.entries, entry.day, key=_day)
        kept = first if index - first < _MOST_OF_A_DAY else first + 1
        return History((*self.entries[:first], *self.entries[kept:index], entry, *self.entries[index:]))

    def corrected(self, data: EventData | None, origin: bytes) -> "History":
        """Return the history once the event of `origin` says something else; None: it is annulled.

        Itself when nothing known comes from that event.
        """
        others = tuple(entry for entry in self.entries if entry.origin != origin.hex())
        if len(others) == len(self.entries):
            return self
        return History(others) if data is None else History(others).after(data, origin)


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


_Place = tuple[str, str, str, dict[str, str]]


def encode(history: History) -> bytes:
    """Return the compact JSON of a history, for the state store."""
    entries = [
        [entry.day, *_written(entry.situation), entry.origin]
        + ([] if entry.left is None else [_written(entry.left)])
        for entry in history.entries
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


def _written(known: Situation) -> _Place:
    return known.siren, known.residence, known.establishment, dict(known.attachments)


@lru_cache(maxsize=8_192)
def decode(stored: bytes) -> History:
    """Return the history that `encode` wrote; one of an older version has no origins, nor what was left."""
    return History(tuple(_entries(stored)))


def _entries(stored: bytes) -> Iterator[Entry]:
    for entry in json.loads(stored):
        day, *place = entry[:5]
        origin = entry[5] if len(entry) > 5 else ""
        left = Situation(*entry[6]) if len(entry) > 6 else None
        yield Entry(day, Situation(*place), origin, left)
