"""What roles that read several topics remember, as facts: whatever the order in which the records came."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import scheme
from agents.quality import read_sum
from coordination.instants import PARIS
from coordination.periods import parse, period_of
from coordination.quality import Tally, counts
from coordination.quality_facts import Facts, read, take, write
from coordination.quality_objectives import Indicator, Measure, read_objectives
from schemas.emitted import QualityMeasured
from streaming.records import Record
from streaming.timers import PREFIX

Remembered = Mapping[bytes, object]
"""A lane's memory: bytes by key, or what is made of them to be compared."""

_ARMED: Final = b'["armed"'
_CASE: Final = b"case/"
_NEW: Final = b"new/"
_SUM: Final = b"sum/"
_WRONG_SUMS: Final = b"sums that differ"

Sum = tuple[str, str, str, str]
"""Period, indicator, organism, activity."""


def cases_remember(entries: Mapping[bytes, bytes]) -> Remembered:
    """Return the facts of each case, and the timers: when a timer was set, and in which order, apart."""
    return {
        key: value
        if key.startswith(PREFIX)
        else frozenset(line for line in value.splitlines() if not line.startswith(_ARMED))
        for key, value in entries.items()
    }


@dataclass(slots=True)
class Counted:
    """What records tell of quality, by case, as lines: of a long run it is much."""

    lines: "defaultdict[bytes, bytes]" = field(default_factory=lambda: defaultdict(bytes))

    def take(self, record: Record) -> None:
        """Take what one record tells."""
        if (taken := take(record)) is not None:
            self.lines["/".join(taken.case).encode()] += write(taken.facts)

    def facts(self) -> dict[bytes, Facts]:
        """Return the facts of each case."""
        return {case: read(lines) for case, lines in self.lines.items()}


def quality_remembers(before: Counted, late: Counted) -> Remembered:
    """Return the facts of each case that records tell; the sums are to be those of the facts counted."""
    found = before.facts()
    for case, facts in late.facts().items():
        found[case] = found.get(case, Facts()).with_(facts)
    return {**found, _WRONG_SUMS: {}}


def quality_kept(entries: Mapping[bytes, bytes]) -> Remembered:
    """Return the facts of each case that the role quality has in its state, counted or put aside."""
    found: defaultdict[bytes, Facts] = defaultdict(Facts)
    counted: list[Facts] = []
    sums: dict[Sum, Tally] = {}
    for key, value in entries.items():
        if key.startswith(_SUM):
            period, indicator, organism, activity = key.removeprefix(_SUM).decode().split("/")
            sums[period, indicator, organism, activity] = read_sum(value)
        for prefix in (_CASE, _NEW):
            if key.startswith(prefix):
                case, facts = key.removeprefix(prefix), read(value)
                found[case] = found[case].with_(facts)
                if prefix == _CASE:
                    counted.append(facts)
    return {**found, _WRONG_SUMS: _differing(sums, _sums(counted))}


def quality_told(
    found: Iterable[bytes | None], before: Iterable[Counted], late: Iterable[Counted], as_of: int
) -> Sequence[str]:
    """Return the figures of ended periods that the lanes did not tell as they were, in words.

    Args:
        found: the last record of each lane and sum.
        before: what stood on the topics at the turn, by lane.
        late: what came after it, by lane; a sum that it changes may have been told before or after.
        as_of: the instant (milliseconds) by which periods have ended.
    """
    told: defaultdict[Sum, Tally] = defaultdict(Tally)
    for value in found:
        one = QualityMeasured.model_validate_json(value or b"")
        tally = Tally(one.numerator, one.denominator)
        tally.spread.update({each.milliseconds: each.times for each in one.spread or ()})
        told[one.period, one.indicator, one.organism, one.activity or ""].add(tally)
    known = {case: facts for lane in before for case, facts in lane.facts().items()}
    later = {case: facts for lane in late for case, facts in lane.facts().items()}
    touched = [known.get(case, Facts()).with_(facts) for case, facts in later.items()]
    now = datetime.fromtimestamp(as_of / 1000, PARIS)
    expected = {place: tally for place, tally in _sums(known.values()).items() if parse(place[0]).end <= now}
    moved = _sums(touched).keys()
    return [
        f"quality {place}: told and expected: {both}"
        for place, both in _differing(told, expected).items()
        if place not in moved
    ]


def _differing(found: Mapping[Sum, Tally], expected: Mapping[Sum, Tally]) -> Mapping[Sum, object]:
    return {
        place: (found.get(place), expected.get(place))
        for place in found.keys() | expected.keys()
        if _plain(found.get(place)) != _plain(expected.get(place))
    }


def _plain(tally: Tally | None) -> object:
    """Return what a sum says; one that says nothing is as good as none."""
    if tally is None:
        return 0, 0, {}
    return tally.numerator, tally.denominator, {one: times for one, times in tally.spread.items() if times}


def _sums(cases: Iterable[Facts]) -> Mapping[Sum, Tally]:
    """Add up what cases count, each by its own."""
    objectives = read_objectives("quality.yaml", scheme.quality())
    indicators: Mapping[Measure, Indicator] = {
        one.measure: one for one in objectives if one.measure is not None
    }
    within = next(one.within for one in objectives if one.within is not None)
    total: defaultdict[Sum, Tally] = defaultdict(Tally)
    for facts in cases:
        for one in counts(facts, within):
            indicator = indicators[one.key.measure]
            period = period_of(one.key.day, indicator.period).text
            total[period, indicator.id, one.key.organism, one.key.activity].count(one)
    return total
