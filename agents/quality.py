"""Quality: counts, case by case, what the objectives look at, and tells it at the end of their period.

Source: CSS art. L233-1, 2° (L).

A record costs little: what it tells is put aside, and counted together with what else came of its case. One
lane knows its own workers only, so it tells what *it* counted; the figures are the sum over the lanes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final

from pydantic_core import from_json

from agents.emission import cloud_event
from coordination import ids, periods
from coordination.instants import PARIS
from coordination.periods import Period
from coordination.quality import DAYS_KEPT, Key, Tally, counts, is_open
from coordination.quality_facts import FactError, read, take, write
from coordination.quality_objectives import Indicator, Measure
from schemas.emitted import Occurrences, QualityMeasured
from schemas.events import type_of
from schemas.strict_json import compact_json
from schemas.topics import QUALITY
from streaming.records import Output, Record, Result, State
from streaming.timers import Timer, timer_key

ROLE: Final = "quality"
_CASE: Final = b"case/"
_NEW: Final = b"new/"
_SUM: Final = b"sum/"

_CHANGED: Final = b"changed "
_AS_TOLD: Final = b"told "
"""What a sum begins with."""

_COUNT: Final = b"count"
_MEASURE: Final = b"measure/"
_FORGET: Final = b"forget/"
_DROP: Final = b"drop/"
"""Names of timers, in the order in which those of one instant fire: first of all, what is new is counted."""

_GRID_MS: Final = 30_000
_AT_ONCE: Final = 100
"""Cases counted in one transaction: about 20 ms."""
_DAY_MS: Final = 24 * 60 * 60 * 1000
_KEPT_DAYS: Final = 400
"""For so long after its end a period is corrected: as long as the topics are kept."""

Place = tuple[str, str, str, str]
"""Period, indicator, organism, activity."""


class Quality:
    """The handler of decisions, acknowledgements and outcomes."""

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        self._indicators: Mapping[Measure, Indicator] = {
            one.measure: one
            for one in indicators
            if one.measure is not None and one.measure != "oldest-open-case"  # of now, not of a period
        }
        self._within = next((one.within for one in self._indicators.values() if one.within is not None), 0)

    def __call__(self, record: Record, state: State) -> Result:
        """Put aside what a record tells; the role `cases` isolates what is no record of ours."""
        try:
            taken = take(record)
        except FactError:
            return Result()
        if taken is None:
            return Result()
        worker, case = taken.case
        key = _NEW + f"{worker}/{case}".encode()
        soon = (record.timestamp // _GRID_MS + 1) * _GRID_MS
        return Result(
            writes={
                key: (state.get(key) or b"") + write(taken.facts),
                timer_key(soon, _COUNT): b"%d" % record.partition,
            }
        )

    def due(self, timer: Timer, state: State) -> Result:
        """Count what is new, tell what was counted over a period, or let go of what is over for long."""
        name, lane = timer.name, int(timer.value)
        if name == _COUNT:
            return self._count(timer.at_ms, lane, state)
        if name.startswith(_MEASURE):
            if next(state.scan(_NEW), None) is not None:
                # Counted here and now: its own timer lies behind, up to the length of the grid.
                counted = self._count(timer.at_ms, lane, state)
                return Result(writes={**counted.writes, timer_key(timer.at_ms + 1, name): timer.value})
            return self._measure(periods.parse(name.removeprefix(_MEASURE).decode()), timer, lane, state)
        if name.startswith(_FORGET):
            return _forget(name.removeprefix(_FORGET), timer.at_ms, state)
        period = name.removeprefix(_DROP)
        return Result(writes={key: None for key, _ in state.scan(_SUM + period + b"/")})

    # -- counting ---------------------------------------------------------------------------------

    def _count(self, now: int, lane: int, state: State) -> Result:
        """Count what a few cases have become; what is left is counted in the next transaction."""
        writes: dict[bytes, bytes | None] = {}
        added: defaultdict[Place, Tally] = defaultdict(Tally)
        found = list(islice(state.scan(_NEW), _AT_ONCE + 1))
        for key, lines in found[:_AT_ONCE]:
            writes[key] = None
            name = key.removeprefix(_NEW)
            before = read(state.get(_CASE + name) or b"")
            after = before.with_(read(lines))
            if after == before:
                continue
            writes[_CASE + name] = write(after)
            for one in counts(before, self._within):
                added[self._place(one.key)].discount(one)
            for one in counts(after, self._within):
                added[self._place(one.key)].count(one)
            if not is_open(after):
                writes[timer_key(_midnight(now, DAYS_KEPT + 1), _FORGET + name)] = b"%d" % lane
        for place, tally in added.items():
            if not _is_nothing(tally):
                key = _SUM + "/".join(place).encode()
                total = read_sum(state.get(key))
                total.add(tally)
                writes[key] = _write(total, _CHANGED)
                writes[timer_key(_tell_at(place[0], now), _MEASURE + place[0].encode())] = b"%d" % lane
        if len(found) > _AT_ONCE:
            writes[timer_key(now + 1, _COUNT)] = b"%d" % lane
        return Result(writes=writes)

    def _place(self, key: Key) -> Place:
        indicator = self._indicators[key.measure]
        period = periods.period_of(key.day, indicator.period)
        return period.text, indicator.id, key.organism, key.activity

    # -- telling ----------------------------------------------------------------------------------

    def _measure(self, period: Period, timer: Timer, lane: int, state: State) -> Result:
        """Tell every sum of a period that has changed since it was told."""
        latest: list[Output] = []
        end = round(period.end.timestamp() * 1000)
        drop = timer_key(_midnight(end, _KEPT_DAYS), _DROP + period.text.encode())
        writes: dict[bytes, bytes | None] = {drop: timer.value}
        for key, value in state.scan(_SUM + period.text.encode() + b"/"):
            if value.startswith(_CHANGED):
                total = read_sum(value)
                writes[key] = _write(total, _AS_TOLD)
                _, indicator, organism, activity = key.removeprefix(_SUM).decode().split("/")
                latest.append(_told((period.text, indicator, organism, activity), total, timer.at_ms, lane))
        return Result(writes=writes, latest=latest)


def _tell_at(period: str, now: int) -> int:
    """Return when a sum that has changed is told: at the end of its period, or tonight where that is over."""
    end = _end_of(period)
    return end if end > now else _midnight(now, 1)


@lru_cache(maxsize=1_024)
def _end_of(period: str) -> int:
    """Return the first instant (milliseconds) after a period; there are few, and each has many sums."""
    return round(periods.parse(period).end.timestamp() * 1000)


def _forget(case: bytes, now: int, state: State) -> Result:
    """Let go of a case that is complete and of which nothing was heard for long."""
    known = read(state.get(_CASE + case) or b"")
    if is_open(known) or known.last + DAYS_KEPT * _DAY_MS > now or state.get(_NEW + case) is not None:
        return Result()  # it has moved: there is a later timer, or will be
    return Result(writes={_CASE + case: None})


def _told(place: Place, total: Tally, at: int, lane: int) -> Output:
    period, indicator, organism, activity = place
    time = datetime.fromtimestamp(at / 1000, PARIS).isoformat(timespec="milliseconds")
    spread = tuple(
        Occurrences(milliseconds=one, times=times) for one, times in sorted(total.spread.items()) if times > 0
    )
    told: dict[str, object] = {
        "organism": organism,
        "indicator": indicator,
        "period": period,
        "lane": lane,
        "numerator": max(total.numerator, 0),
        "denominator": max(total.denominator, 0),
    }
    if activity:
        told["activity"] = activity
    if spread:
        told["spread"] = spread
    return cloud_event(
        QUALITY,
        type_=type_of("quality.measured"),
        id_=ids.uuid5("quality", str(lane), *place, time),
        role=ROLE,
        subject=None,
        time=time,
        data=QualityMeasured.model_validate(told).to_json(),
        key="/".join((*place, str(lane))).encode(),
    )


# --- sums as state -----------------------------------------------------------------------------------


def _write(total: Tally, mark: bytes) -> bytes:
    spread = sorted((one, times) for one, times in total.spread.items() if times)
    return mark + compact_json([total.numerator, total.denominator, spread]).encode()


def read_sum(value: bytes | None) -> Tally:
    """Return a sum as the state holds it; nothing is held of one that nothing was added to."""
    total = Tally()
    if value is not None:
        total.numerator, total.denominator, spread = from_json(value.partition(b" ")[2])
        total.spread.update(dict(spread))
    return total


def _is_nothing(tally: Tally) -> bool:
    return not (tally.numerator or tally.denominator or any(tally.spread.values()))


def _midnight(at: int, days: int) -> int:
    """Return the beginning (milliseconds) of the day of Paris that comes so many days after an instant's."""
    day = periods.day_of(datetime.fromtimestamp(at / 1000, PARIS)) + timedelta(days=days)
    return round(datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp() * 1000)
