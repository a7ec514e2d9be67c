"""Decides which situation of a worker counts at a time: where he lives and works, and his attachments.

Only `activity.registered` (from its start date) and `territory.changed` (from its effective date) change
what is known, and corrections of these; days begin at 00:00 Europe/Paris. A time before the earliest entry
uses the earliest.
"""

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.events import ActivityRegistered, EventData, Place, TerritoryChanged
from schemas.records import Situation

_PARIS: Final = ZoneInfo("Europe/Paris")
_BEFORE: Final = ""
"""Sorts before every date: the situation that a worker left before anything else was known of him."""
_MOST_OF_A_DAY: Final = 16
"""Entries kept of one date: the last counts, the others come back when it is annulled."""


@dataclass(frozen=True, slots=True)
class History:
    """A worker's situations and the ISO dates from which they count, in order.

    `origins` say which event each comes from, so that a correction finds it; "" where an older store kept
    none. Of several with one date the last arrival counts.
    """

    dates: tuple[str, ...] = ()
    situations: tuple[Situation, ...] = ()
    origins: tuple[str, ...] = ()

    def at(self, time: datetime) -> Situation | None:
        """Return the situation at an aware time; None when nothing is known of the worker."""
        if not self.dates:
            return None
        if len(self.dates) == 1:
            return self.situations[0]
        day = time.astimezone(_PARIS).date().isoformat()
        return self.situations[bisect_right(self.dates, max(day, self.dates[0])) - 1]

    def after(self, data: EventData, origin: bytes) -> "History":
        """Return the history once an event is known; itself when the event changes nothing.

        Entries stand in the order of their dates whatever the order of arrival; for the same date the later
        arrival wins. `origin` tells the event from any other of this worker.
        """
        match data:
            case ActivityRegistered():
                return self._with(
                    data.start.isoformat(), situation_of(data.worker, data.worker.siren), origin
                )
            case TerritoryChanged():
                if not self.dates:
                    first = self.before(situation_of(data.previous, data.worker.siren), origin)
                    return first.after(data, origin)
                return self._with(
                    data.effective.isoformat(), situation_of(data.worker, data.worker.siren), origin
                )
            case _:
                return self

    def corrected(self, data: EventData | None, origin: bytes) -> "History":
        """Return the history once the event of `origin` says something else; None: it is annulled.

        Itself when nothing known comes from that event.
        """
        if origin.hex() not in self.origins:
            return self
        first_told_of_a_move = self.dates[0] == _BEFORE and self.origins[0] == origin.hex()
        others = self._without(origin)
        if data is None:
            return others
        if first_told_of_a_move and isinstance(data, TerritoryChanged):
            others = others.before(situation_of(data.previous, data.worker.siren), origin)
        return others.after(data, origin)

    def _without(self, origin: bytes) -> "History":
        kept = [index for index, known in enumerate(self.origins) if known != origin.hex()]
        return History(
            tuple(self.dates[index] for index in kept),
            tuple(self.situations[index] for index in kept),
            tuple(self.origins[index] for index in kept),
        )

    def before(self, situation: Situation, origin: bytes) -> "History":
        """Return the history with a situation that counts before all others."""
        return self._with(_BEFORE, situation, origin)

    def _with(self, day: str, situation: Situation, origin: bytes) -> "History":
        index, first = bisect_right(self.dates, day), bisect_left(self.dates, day)
        kept = first if index - first < _MOST_OF_A_DAY else first + 1
        return History(
            (*self.dates[:first], *self.dates[kept:index], day, *self.dates[index:]),
            (*self.situations[:first], *self.situations[kept:index], situation, *self.situations[index:]),
            (*self.origins[:first], *self.origins[kept:index], origin.hex(), *self.origins[index:]),
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
        [day, known.siren, known.residence, known.establishment, dict(known.attachments), origin]
        for day, known, origin in zip(history.dates, history.situations, history.origins, strict=True)
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


@lru_cache(maxsize=8_192)
def decode(stored: bytes) -> History:
    """Return the history that `encode` wrote; one from before corrections has no origins."""
    entries: list[tuple[str, str, str, str, dict[str, str], *tuple[str, ...]]] = json.loads(stored)
    return History(
        tuple(entry[0] for entry in entries),
        tuple(
            Situation(siren=entry[1], residence=entry[2], establishment=entry[3], attachments=entry[4])
            for entry in entries
        ),
        tuple((*entry[5:], "")[0] for entry in entries),
    )
