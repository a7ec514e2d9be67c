"""The quality of service as the topics tell it: reads them from the outside, for commands and reports."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import scheme
from coordination.directory import Directory
from coordination.instants import PARIS
from coordination.periods import Period, parse
from coordination.quality import DAYS_KEPT, Books, Figures, Key, Tally, level_of
from coordination.quality_facts import TOPICS, FactError, instant, take
from coordination.quality_objectives import Indicator, ObjectivesError, read_objectives
from coordination.quality_report import DAY_MS, Alert, Row, alerts, rows
from coordination.rulebook import Rulebook
from l233.errors import BadInput
from schemas.emitted import QualityMeasured
from schemas.topics import QUALITY
from streaming.client import Connection
from streaming.reading import reader
from streaming.records import Record

_FORGET_EVERY: Final = 50_000
"""Records between two looks at which cases may be let go of."""
_RECORD_AND_MARK: Final = 2
"""A topic ends behind the mark of its last transaction, which no reader sees."""


@dataclass(slots=True)
class Reading:
    """What the topics told."""

    books: Books
    records: int = 0
    unreadable: int = 0
    """Records that count for nothing, because they are not what their topic holds."""

    def take(self, record: Record) -> None:
        """Take one record."""
        self.records += 1
        try:
            taken = take(record)
        except FactError:
            self.unreadable += 1
        else:
            if taken is not None:
                self.books.take(taken)


def objectives() -> tuple[Indicator, ...]:
    """Return the shipped objectives. Raises BadInput with the line at fault."""
    try:
        return read_objectives("quality.yaml", scheme.quality())
    except ObjectivesError as error:
        raise BadInput(str(error)) from error


def within(indicators: Sequence[Indicator]) -> int:
    """Return the days in which the right of a contribution is to be recorded; 30 without an objective."""
    return next((one.within for one in indicators if one.within is not None), 30)


async def read(connection: Connection, indicators: Sequence[Indicator], now: int) -> Reading:
    """Read everything that is committed now. Commits nothing, and no role notices it.

    All topics are read side by side, and what is complete is let go of as soon as all of them are past it.
    Raises KafkaError, TopicMissingError.
    """
    found = Reading(Books(within(indicators)))
    async with reader(connection) as source:
        ends = await source.ends(await source.places(TOPICS))
        left = {place: 0 for place, end in ends.items() if end > 0}
        looked = 0
        async for batch in source.read(ends):
            for record in batch:
                found.take(record)
            place = batch[-1].topic, batch[-1].partition
            left[place] = max(left.get(place, 0), *map(_emitted, batch))
            if batch[-1].offset + _RECORD_AND_MARK >= ends[place]:
                del left[place]
            if found.records - looked >= _FORGET_EVERY:
                looked = found.records
                found.books.forget(min(left.values(), default=now) - DAYS_KEPT * DAY_MS)
    return found


async def measured(connection: Connection, indicators: Sequence[Indicator], wanted: Period) -> Figures:
    """Return what the role `quality` told of the periods that lie in `wanted`, summed over its lanes.

    Far fewer records than the topics that it counted; a period that is not over has not been told yet.
    Raises KafkaError, TopicMissingError.
    """
    measures = {one.id: one.measure for one in indicators if one.measure is not None}
    latest: dict[bytes | None, QualityMeasured] = {}
    async with reader(connection) as source:
        async for batch in source.read(await source.ends(await source.places([QUALITY]))):
            for record in batch:
                latest[record.key] = QualityMeasured.model_validate_json(record.value or b"")
    found: defaultdict[Key, Tally] = defaultdict(Tally)
    for one in latest.values():
        period = parse(one.period)
        if one.indicator in measures and period.first in wanted and period.last in wanted:
            measure, activity = measures[one.indicator], one.activity or ""
            key = Key(measure, one.organism, activity, level_of(measure), period.first)
            tally = Tally(one.numerator, one.denominator)
            tally.spread.update({each.milliseconds: each.times for each in one.spread or ()})
            found[key].add(tally)
    return dict(found)


def _emitted(record: Record) -> int:
    """Return when one of our roles wrote a record (milliseconds); 0 for what somebody else wrote."""
    headers = dict(record.headers)
    ours = headers.get("ce_source", b"").startswith(b"urn:l233:") and "ce_time" in headers
    return instant(headers["ce_time"].decode()) if ours else 0


def heads(directory: Directory, rulebook: Rulebook) -> Mapping[str, tuple[str, ...]]:
    """Return the national heads of every local organism, by the latest scheme."""
    latest = rulebook.schemes[-1].heads
    return {one.id: latest.get(one.kind, ()) for one in directory.organisms.values() if not one.national}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is to tell of: a period, as of an instant (milliseconds), and an organism, if one."""

    period: Period
    as_of: int
    organism: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What `l233 quality` tells: the rows of a period, the alerts, and what only others can measure."""

    as_of: int
    period: Period
    rows: Sequence[Row]
    alerts: Sequence[Alert]
    elsewhere: Sequence[Indicator]


def report(
    figures: Figures,
    indicators: Sequence[Indicator],
    asked: Asked,
    heads_of: Mapping[str, tuple[str, ...]],
) -> Report:
    """Compare figures with the objectives."""
    found = tuple(rows(indicators, figures, asked.period, asked.as_of, asked.organism))
    elsewhere = tuple(one for one in indicators if one.measure is None)
    return Report(asked.as_of, asked.period, found, tuple(alerts(found, heads_of)), elsewhere)


def as_json(told: Report) -> dict[str, object]:
    """Return the public object of `l233 quality --json`: numbers as numbers, instants as RFC 3339."""
    at = datetime.fromtimestamp(told.as_of / 1000, PARIS)
    return {
        "as_of": at.isoformat(timespec="milliseconds"),
        "period": told.period.text,
        "rows": [_numbers(asdict(row)) for row in told.rows],
        "alerts": [_numbers(asdict(alert)) for alert in told.alerts],
        "elsewhere": [_numbers(asdict(indicator)) for indicator in told.elsewhere],
    }


def _numbers(values: Mapping[str, object]) -> dict[str, object]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
