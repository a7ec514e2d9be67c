"""Decides how figures compare with what was promised: one row per indicator, organism, activity and level.

Source: CSS art. L233-1, 2° (L).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from coordination.periods import Period
from coordination.quality import Figures, Key, Tally
from coordination.quality_objectives import Indicator, Measure, State

DAY_MS: Final = 24 * 60 * 60 * 1000
_PLACES: Final = Decimal("0.01")
_MEDIAN: Final = 50
_MOST: Final = 90


@dataclass(frozen=True, slots=True)
class Row:
    """An indicator over a period: of everybody, of an organism, or of one activity and level of it.

    `value` is what is compared, in `unit`: a share in percent, or days that 9 of 10 do not exceed (of the
    oldest open case: its age). `numerator` of durations: the sum of milliseconds. None: nothing to measure.
    """

    indicator: str
    name: str
    organism: str | None
    activity: str | None
    level: str | None
    period: str
    provisional: bool
    """The period is not over: what is still in time is not counted yet."""
    numerator: int
    denominator: int
    value: Decimal | None
    median: Decimal | None
    unit: str
    threshold: Decimal | None
    target: Decimal | None
    state: State
    status: str


def rows(
    indicators: Sequence[Indicator], figures: Figures, period: Period, as_of: int, organism: str | None = None
) -> Iterator[Row]:
    """Return every indicator that can be computed; of one organism only, when it is named.

    An indicator first comes for everybody (unless an organism is named), then organism by organism, each
    with its activities. The oldest open case is always that of `as_of`.
    """
    provisional = as_of < period.end.timestamp() * 1000
    groups: defaultdict[tuple[Measure, str | None, str | None, str | None], Tally] = defaultdict(Tally)
    for key, tally in figures.items():
        gauge = key.measure == "oldest-open-case"
        if not gauge and key.day not in period:
            continue
        if organism not in (None, key.organism):
            continue
        for group in _groups(key, organism):
            if gauge:
                groups[key.measure, *group].numerator = max(
                    tally.numerator, groups[key.measure, *group].numerator
                )
                groups[key.measure, *group].denominator = 1
            else:
                groups[key.measure, *group].add(tally)
    for indicator in indicators:
        if indicator.measure is None:
            continue
        mine = {group[1:]: tally for group, tally in groups.items() if group[0] == indicator.measure}
        if not mine:
            mine = {(organism, None, None): Tally()}
        for group, tally in sorted(mine.items(), key=lambda one: _order(one[0])):
            yield _row(indicator, group, period, provisional, tally)


_Group = tuple[str | None, str | None, str | None]


def _groups(key: Key, organism: str | None) -> Iterator[_Group]:
    if organism is None:
        yield (None, None, None)
    yield (key.organism, None, None)
    if key.activity:
        yield (key.organism, key.activity, key.level or None)


def _order(group: _Group) -> tuple[str, str, str]:
    who, activity, level = group
    return who or "", activity or "", level or ""


def _row(indicator: Indicator, group: _Group, period: Period, provisional: bool, tally: Tally) -> Row:
    organism, activity, level = group
    value, median = _values(indicator, tally)
    return Row(
        indicator=indicator.id,
        name=indicator.name,
        organism=organism,
        activity=activity,
        level=level,
        period=period.text,
        provisional=provisional,
        numerator=tally.numerator,
        denominator=tally.denominator,
        value=_told(value),
        median=_told(median),
        unit=indicator.unit,
        threshold=indicator.threshold,
        target=indicator.target,
        state=indicator.state_of(value),
        status=indicator.status,
    )


def _told(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_PLACES)


def _values(indicator: Indicator, tally: Tally) -> tuple[Decimal | None, Decimal | None]:
    """Return the value that is compared, and the median of durations, neither rounded."""
    if not tally.denominator:
        return None, None
    if indicator.measure == "oldest-open-case":
        return _days(tally.numerator), None
    if indicator.unit == "days":
        return _days(tally.quantile(_MOST)), _days(tally.quantile(_MEDIAN))
    return Decimal(100 * tally.numerator) / tally.denominator, None


def _days(milliseconds: int | None) -> Decimal | None:
    return None if milliseconds is None else Decimal(milliseconds) / DAY_MS


@dataclass(frozen=True, slots=True)
class Alert:
    """An objective that an organism missed, or may miss, and the heads that are to know."""

    indicator: str
    organism: str
    period: str
    state: State
    value: Decimal
    threshold: Decimal
    heads: tuple[str, ...]


def alerts(found: Sequence[Row], heads: Mapping[str, tuple[str, ...]]) -> Iterator[Alert]:
    """Return an alert for every organism that misses an objective, and then those that are at risk of it.

    Args:
        found: the rows; those of a single activity raise none of their own.
        heads: the national heads by organism.
    """
    for state in ("missed", "between"):
        for row in found:
            if row.state != state or row.organism is None or row.activity is not None:
                continue
            if row.value is not None and row.threshold is not None:
                to = heads.get(row.organism, ())
                yield Alert(row.indicator, row.organism, row.period, row.state, row.value, row.threshold, to)
