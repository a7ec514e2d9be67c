"""Generates a day of records for the input topic: seeded, so that the same seed gives the same bytes.

Workers are registered first and lead a consistent life; what goes wrong is planted in known proportions, and
every record says what intake must make of it. The assumptions stand in `l233.day.population`.
"""

from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from coordination.ids import case_id
from l233.day import faults
from l233.day.calendar import Today
from l233.day.events import Said, data, packed, said
from l233.day.happenings import MAKERS, OF_MICRO_ONLY, OF_OTHERS_ONLY, Happening, moved, registered
from l233.day.population import PLANTED_SHARES, REGISTERED_SHARE, YEARLY_THOUSANDS
from l233.day.records import GeneratedRecord
from l233.day.territory import OUTSIDE, SHARED
from l233.day.workers import Births, Registered, SubjectOf, Worker, invented_subject, place, usual_place
from schemas.events import CONTRACTS

EVERYTHING_FROM: Final = 200
"""Days of at least so many records hold every type and everything that is planted, at least once."""


def generate(
    seed: int,
    events: int,
    day: date,
    *,
    partitions: int = 4,
    subject_of: SubjectOf = invented_subject,
) -> Iterator[GeneratedRecord]:
    """Generate a day, lazily and in the order in which it is to be published.

    Publish in this order, each worker's records one after the other: what is expected of a record depends on
    those before it (registered first, then spoken of; sent, then sent again).

    Args:
        seed: the same seed and arguments give the same records, to the byte.
        events: how many records.
        day: the day on which they arrive, 2026-01-01 or later.
        partitions: how many the input topic has: which partition is the wrong one depends on it.
        subject_of: SIREN -> worker reference.

    Raises:
        ValueError: for a day before the example scheme.
    """
    return _Day(Random(seed), events, Today(day), partitions, subject_of).records()  # noqa: S311 - seeded data


class _Origin(NamedTuple):
    """An event that another may follow: whose it is, the case, and the member of the data that both share."""

    subject: str
    case: str
    shared: str


_FOLLOWED_BY: Final = {
    "payment-delay.granted": "payment-delay.broken",
    "radiation.envisaged": "radiation.decided",
    "complaint.lodged": "mediation.opened",
}
_ENDS: Final = frozenset({"activity.ceased", "radiation.decided"})
_OF_AMOUNTS: Final = frozenset({"contribution.called", "contribution.paid", "turnover.declared"})
_REMEMBERED: Final = 300

_NAMES: Final = tuple(YEARLY_THOUSANDS)
_UP_TO: Final = tuple(accumulate(YEARLY_THOUSANDS.values()))
_PLANTS: Final = tuple(PLANTED_SHARES)
_PLANTED_UP_TO: Final = tuple(accumulate(PLANTED_SHARES.values()))


class _Day:
    """The state of one run."""

    def __init__(
        self, random: Random, events: int, today: Today, partitions: int, subject_of: SubjectOf
    ) -> None:
        self._random = random
        self._events = events
        self._today = today
        self._partitions = partitions
        self._births = Births(random, subject_of)
        self._registered = Registered()
        self._routed: deque[Said] = deque(maxlen=_REMEMBERED)
        self._amounts: deque[Said] = deque(maxlen=_REMEMBERED)
        self._origins: dict[str, deque[_Origin]] = {
            follower: deque(maxlen=_REMEMBERED) for follower in _FOLLOWED_BY.values()
        }
        self._plant: Final[Mapping[str, Callable[[str], GeneratedRecord]]] = {
            "contract": self._broken_contract,
            "duplicate": self._duplicate,
            "rekeyed": self._wrongly_laid,
            "unknown_worker": self._unknown_worker,
            "outside_scheme": self._outside_scheme,
            "ambiguous_territory": self._ambiguous_territory,
            "unknown_type": self._unknown_type,
            "no_scheme_in_force": self._no_scheme_in_force,
            "conflicting_duplicate": self._conflicting_duplicate,
            "personal_data": self._personal_data,
        }

    def records(self) -> Iterator[GeneratedRecord]:
        certain = self._roll_call()
        registrations = 0
        for number in range(self._events):
            now = self._today.time(number / self._events)
            name = certain.get(number)
            if name is None and (len(self._registered) < 5 or registrations < number * REGISTERED_SHARE):
                registrations += 1
                yield self._registration(now)
                continue
            yield self._drawn(name or self._draw(), now)

    def _roll_call(self) -> Mapping[int, str]:
        """Tell where each type and each plant comes for certain, however rare: later in the day."""
        if self._events < EVERYTHING_FROM:
            return {}
        called = [*(name for name in CONTRACTS if name in YEARLY_THOUSANDS), *PLANTED_SHARES]
        first, last = self._events * 3 // 10, self._events * 9 // 10
        return {first + (last - first) * index // len(called): name for index, name in enumerate(called)}

    def _draw(self) -> str:
        chance = self._random.random()
        if chance < _PLANTED_UP_TO[-1]:
            return _PLANTS[bisect(_PLANTED_UP_TO, chance)]
        return self._life()

    def _life(self) -> str:
        return _NAMES[bisect(_UP_TO, self._random.random() * _UP_TO[-1])]

    def _drawn(self, name: str, now: str) -> GeneratedRecord:
        plant = self._plant.get(name)
        if plant is not None:
            return plant(now)
        return self._move(now) if name == "territory.changed" else self._happening(name, now)

    # --- the life of workers ---------------------------------------------------------------------

    def _registration(self, now: str) -> GeneratedRecord:
        worker = self._births.worker()
        self._registered.add(worker)
        members = registered(self._random, worker, self._today).members
        return self._sent(said(self._random, "activity.registered", worker, now, data(worker, members)))

    def _move(self, now: str) -> GeneratedRecord:
        before = self._registered.draw(self._random, micro=None)
        after = before.at(usual_place(self._random))
        happening = moved(after, before.place, self._today)
        event = said(self._random, "territory.changed", after, now, data(after, happening.members))
        obstacle = after.place.obstacle("health")
        if obstacle is not None:  # refused, so nobody learns of it
            return packed(self._random, event, obstacle)
        self._registered.move(after)
        return self._sent(event)

    def _happening(self, name: str, now: str) -> GeneratedRecord:
        origin = self._origin(name)
        worker = self._subject_to(name) if origin is None else self._registered.get(origin.subject)
        assert worker is not None  # noqa: S101 - _origin gives active workers only
        happening = MAKERS[name](self._random, worker, self._today)
        if origin is not None:
            happening = _sharing(happening, origin)
        event = said(
            self._random,
            name,
            worker,
            now,
            data(None, happening.members),
            case=origin.case if origin else None,
        )
        obstacle = None if happening.lead is None else worker.place.obstacle(happening.lead)
        if obstacle is not None:
            return packed(self._random, event, obstacle)
        if name in _ENDS:
            self._registered.remove(worker)
        if name in _FOLLOWED_BY:
            shared = happening.members.split(",", 1)[0]
            self._origins[_FOLLOWED_BY[name]].append(_Origin(worker.subject, case_id(event, None), shared))
        return self._sent(event)

    def _origin(self, name: str) -> _Origin | None:
        """Find the event that this one follows, if there is one of a worker who is still active."""
        origins = self._origins.get(name)
        while origins:
            origin = origins.popleft()
            if self._registered.get(origin.subject) is not None:
                return origin
        return None

    def _subject_to(self, name: str) -> Worker:
        micro = True if name in OF_MICRO_ONLY else False if name in OF_OTHERS_ONLY else None
        return self._registered.draw(self._random, micro=micro)

    def _sent(self, event: Said) -> GeneratedRecord:
        """Give a record that is routed, and remember it: it may be sent again."""
        self._routed.append(event)
        if event.name in _OF_AMOUNTS:
            self._amounts.append(event)
        return packed(self._random, event, "routed")

    # --- what goes wrong -------------------------------------------------------------------------

    def _ordinary(
        self, now: str, names: tuple[str, ...] = ("contribution.paid", "turnover.declared")
    ) -> Said:
        """Make an event of a registered worker, to be spoilt."""
        name = self._random.choice(names)
        worker = self._subject_to(name)
        members = MAKERS[name](self._random, worker, self._today).members
        return said(self._random, name, worker, now, data(None, members))

    def _broken_contract(self, now: str) -> GeneratedRecord:
        return self._random.choice(faults.BREAKERS)(self._ordinary(now, tuple(MAKERS)))

    def _duplicate(self, _now: str) -> GeneratedRecord:
        return packed(self._random, self._random.choice(self._routed), "duplicate")

    def _conflicting_duplicate(self, now: str) -> GeneratedRecord:
        if not self._amounts:
            return self._duplicate(now)
        first = self._random.choice(self._amounts)
        payload = first.payload
        while payload == first.payload:
            happening = MAKERS[first.name](self._random, first.worker, self._today)
            payload = data(None, happening.members).encode()
        return packed(
            self._random, Said(first.name, first.worker, first.attributes, payload), "conflicting_duplicate"
        )

    def _wrongly_laid(self, now: str) -> GeneratedRecord:
        """Give the worker's block along: rekeyed, the event may come after a move sent later."""
        worker = self._subject_to("contribution.paid")
        members = MAKERS["contribution.paid"](self._random, worker, self._today).members
        event = said(self._random, "contribution.paid", worker, now, data(worker, members))
        return faults.wrongly_laid(self._random, packed(self._random, event, "rekeyed"), self._partitions)

    def _unknown_worker(self, now: str) -> GeneratedRecord:
        worker = self._births.worker()
        name = self._life()
        maker = MAKERS.get(name, MAKERS["contribution.paid"])
        members = maker(self._random, worker, self._today).members
        event = said(
            self._random, name if name in MAKERS else "contribution.paid", worker, now, data(None, members)
        )
        return packed(self._random, event, "unknown_worker")

    def _outside_scheme(self, now: str) -> GeneratedRecord:
        where = self._random.choice(OUTSIDE)
        worker = self._births.worker(place(self._random, home=where, work=where, attached=None))
        name = self._random.choice(("activity.registered", "contribution.called"))
        members = MAKERS[name](self._random, worker, self._today).members
        return packed(
            self._random, said(self._random, name, worker, now, data(worker, members)), "outside_scheme"
        )

    def _ambiguous_territory(self, now: str) -> GeneratedRecord:
        where = self._random.choice(SHARED)
        worker = self._births.worker(place(self._random, home=where, work=where, attached=None))
        name = self._random.choice(("sick-leave.received", "sick-leave.received", "maternity.declared"))
        members = MAKERS[name](self._random, worker, self._today).members
        return packed(
            self._random, said(self._random, name, worker, now, data(worker, members)), "ambiguous_territory"
        )

    def _unknown_type(self, now: str) -> GeneratedRecord:
        return faults.unknown_type(self._random, self._ordinary(now))

    def _no_scheme_in_force(self, now: str) -> GeneratedRecord:
        long_ago = self._today.before_any_scheme(self._random.random())
        del now  # it arrives now, and speaks of what was before any scheme
        return packed(self._random, self._ordinary(long_ago), "no_scheme_in_force")

    def _personal_data(self, now: str) -> GeneratedRecord:
        return faults.personal_data(self._random, self._ordinary(now, ("contact.received",)))


def _sharing(happening: Happening, origin: _Origin) -> Happening:
    """Let a follower speak of the same period, ground or organism: the first member of both."""
    _, comma, others = happening.members.partition(",")
    return Happening(origin.shared + comma + others, happening.lead)
