"""Decides which further clocks of a case an event starts, beside the acknowledgements that it asks for.

A clock of the scheme counts from the event, or from a date that it names, until something else happens:
emergency aid paid, another aid decided, a pension paid. The lead owes it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from coordination.calendar import LAST_YEAR, deadline_from, months_later
from coordination.directory import Competence, Directory
from coordination.rulebook import Clock, Scheme
from schemas.codes import KINDS
from schemas.events import Contract
from schemas.records import ClockLevel, Recipient, Situation, StartedClock

LEVELS: Final[Mapping[str, ClockLevel]] = {"paid": "paid", "decided": "decided", "resolved": "resolved"}
_LODGED: Final = re.compile(r"lodged at least (?P<months>[1-9][0-9]?) months? before (?P<field>[a-z_]+)")


class ClockError(ValueError):
    """A clock of the scheme that can't be understood: the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Lodged:
    """The event has to come so many months before the date in one of its fields."""

    months: int
    field: str

    @classmethod
    def parse(cls, text: str) -> "Lodged":
        """Read `lodged at least 4 months before starts`; raises `ClockError`."""
        found = _LODGED.fullmatch(text)
        if found is None:
            raise ClockError(
                f"{text!r} is no proviso: write for example 'lodged at least 4 months before starts'"
            )
        return cls(int(found["months"]), found["field"])


def started(
    name: str,
    data: Contract | None,
    time: datetime,
    *,
    scheme: Scheme,
    recipients: Sequence[Recipient],
    worker: Situation | None,
    directory: Directory,
) -> tuple[StartedClock, ...]:
    """Return the clocks that an event starts, in the order of the scheme.

    Args:
        name: the event's name, such as `social-aid.requested`.
        data: its data; None when nothing of it holds.
        time: when it happened, aware.
        scheme: the version that it is decided by.
        recipients: whom it goes to; the lead owes what a clock waits for, and its calendar counts.
        worker: the situation that it is decided by.
        directory: organisms and territories.
    """
    clocks = [clock for clock in scheme.clocks.values() if clock.event == name]
    if not clocks or data is None:
        return ()
    lead = next((to for to in recipients if to.role == "lead"), None)
    if lead is None:
        return ()
    competence = competence_of(lead.organism, worker, directory)
    day = time.astimezone(competence.organism.zone).date()
    found = (_started(clock, data, day, lead, competence) for clock in clocks)
    return tuple(clock for clock in found if clock is not None)


def _started(
    clock: Clock, data: Contract, day: date, lead: Recipient, competence: Competence
) -> StartedClock | None:
    if not all(_text(getattr(data, field)) in values for field, values in clock.when.items()):
        return None
    start = day if clock.counted_from is None else _date(data, clock.counted_from)
    if start.year > LAST_YEAR or not _is_lodged(clock, data, day):
        return None
    return StartedClock(
        name=clock.name,
        organism=lead.organism,
        level=level_of(clock),
        until=clock.until,
        due=deadline_from(
            start, clock.delay.unit, clock.delay.count, competence.organism.zone, competence.holidays
        ),
        basis=clock.basis,
        status=clock.status,
    )


def _is_lodged(clock: Clock, data: Contract, day: date) -> bool:
    """Return whether an event comes early enough for a clock."""
    if clock.provided is None:
        return True
    proviso = Lodged.parse(clock.provided)
    return months_later(day, proviso.months) <= _date(data, proviso.field)


def level_of(clock: Clock) -> ClockLevel:
    """Return what a clock waits for: the last word of its name. Raises `ClockError` for another word."""
    word = clock.name.rpartition("-")[2]
    if word not in LEVELS:
        raise ClockError(f"clock {clock.name!r}: let its name end in {', '.join(LEVELS)}")
    return LEVELS[word]


def _text(value: object) -> str:
    """Return a value of an event as the scheme writes it: `true`, `emergency`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _date(data: Contract, field: str) -> date:
    value = getattr(data, field)
    return value if isinstance(value, date) else date.fromisoformat(value)


def competence_of(organism: str, worker: Situation | None, directory: Directory) -> Competence:
    """Return how an organism became competent: for the worker's situation, else because it was named."""
    return competences_of(worker, directory).get(organism) or directory.named(organism)


def competences_of(worker: Situation | None, directory: Directory) -> Mapping[str, Competence]:
    """Return the organisms of a worker's situation, by id; of one with several missions the first counts."""
    if worker is None:
        return {}
    return competences_in(
        worker.residence, worker.establishment, tuple(worker.attachments.items()), directory
    )


@lru_cache(maxsize=16_384)
def competences_in(
    residence: str, establishment: str, attachments: tuple[tuple[str, str], ...], directory: Directory
) -> Mapping[str, Competence]:
    """Return the organisms of a place, as `competences_of`: the same few places come up again and again."""
    place = residence, establishment, dict(attachments)
    found = [directory.competent(kind, *place) for kind in reversed(KINDS)]
    return {one.organism.id: one for one in found if isinstance(one, Competence)}
