"""Decides how well the self-employed are served: what each measure of quality counts, case by case.

Source: CSS art. L233-1, 2° (L). What a measure is follows in `docs/quality.md` (X: ours). Every count belongs
to one day of Paris, so that days, months, quarters and years are sums of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from coordination.instants import PARIS
from coordination.quality_facts import ANNULLED, NOTHING, Asked, CaseKey, Facts, Given, Taken, instant
from coordination.quality_objectives import Measure

FULFILS: Final[Mapping[str, frozenset[str]]] = {
    "received": frozenset({"received", "reported", "settled", "forwarded", "refused"}),
    "reported": frozenset({"reported", "settled", "refused"}),
}
"""Which answers give what is owed; of a lead, `forwarded` always does."""
_TAKEN: Final = frozenset({"received", "refused", "reported", "settled"})
_DONE: Final = frozenset({"reported", "settled"})
REQUESTS: Final = frozenset({"contact.received", "appointment.requested"})
"""What a worker may lodge with the wrong organism."""
DAYS_KEPT: Final = 31
"""A case that is complete is kept so long after its last record: what comes late corrects its figures."""
_DAY_MS: Final = 24 * 60 * 60 * 1000
_DIGITS: Final = 8
"""Binary digits of a duration that are kept: it is told to half a percent."""


class Key(NamedTuple):
    """What a figure is about; `level` and `activity` are empty where a measure has none."""

    measure: Measure
    organism: str
    activity: str
    level: str
    day: date


class Count(NamedTuple):
    """One addition to a figure; `milliseconds` where the measure is a duration, rounded (`rounded`)."""

    key: Key
    numerator: int
    denominator: int
    milliseconds: int | None = None


@dataclass(slots=True)
class Tally:
    """A sum of counts. Of a duration `spread` has how often each (rounded) one occurred."""

    numerator: int = 0
    denominator: int = 0
    spread: "Counter[int]" = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add another one."""
        self.numerator += other.numerator
        self.denominator += other.denominator
        if other.spread:  # only durations have one, and to ask a Counter for nothing takes long
            self.spread.update(other.spread)

    def count(self, one: Count) -> None:
        """Add one count."""
        self.numerator += one.numerator
        self.denominator += one.denominator
        if one.milliseconds is not None:
            self.spread[one.milliseconds] += 1

    def discount(self, one: Count) -> None:
        """Take one count away that does not hold any more."""
        self.numerator -= one.numerator
        self.denominator -= one.denominator
        if one.milliseconds is not None:
            self.spread[one.milliseconds] -= 1

    def quantile(self, percent: int) -> int | None:
        """Return the duration (milliseconds) that `percent` of all do not exceed; None without any."""
        total = sum(self.spread.values())
        rank = -(-total * percent // 100)
        for milliseconds, times in sorted(self.spread.items()):
            rank -= times
            if rank <= 0:
                return milliseconds
        return None


Figures = Mapping[Key, Tally]


def rounded(milliseconds: int) -> int:
    """Return a duration in 8 binary digits, the middle of what has the same; below 0 is 0."""
    shift = max(milliseconds.bit_length() - _DIGITS, 0)
    return max(milliseconds, 0) >> shift << shift | (1 << shift) >> 1


@lru_cache(maxsize=65_536)
def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, PARIS).date()


# --- one case ----------------------------------------------------------------------------------------


def counts(facts: Facts, within: int, as_of: int | None = None) -> Iterator[Count]:
    """Return what a case adds to the figures.

    Args:
        facts: what is known of it.
        within: the days in which the right of a contribution is to be recorded.
        as_of: milliseconds; what is still in time then is not counted yet. None: everything counts from the
            start on the day of its deadline, as it will stand once that has passed.
    """
    for asked in facts.asked:
        answers = answers_to(asked, facts)
        if not (_annulled(asked, facts) and fulfilled(asked, answers) is None):
            yield from _in_time(asked, answers, as_of)
        yield from _durations(asked, answers)
        if asked.name in REQUESTS and asked.role == "lead":
            yield from _addressed(asked, facts)
        if asked.name == "contribution.paid" and asked.role != "lead":
            yield from _recorded(asked, answers, facts, within, as_of)
        if asked.name == "social-aid.requested" and asked.role == "lead":
            yield from _aided(asked, facts)
    for told in facts.told:
        if told.name in ("rights.recorded", "rights.mismatch"):
            key = Key("rights-mismatch", told.organism, "future-rights", "", _day(instant(told.at)))
            raised = told.name == "rights.mismatch"
            yield Count(key, int(raised), int(not raised))


def answers_to(asked: Asked, facts: Facts) -> list[Given]:
    """Return what an organism said about the event it was asked on; what names no event is about each."""
    return [
        given
        for given in facts.given
        if given.organism == asked.organism and given.event in (asked.event, "")
    ]


def fulfilled(asked: Asked, answers: Iterable[Given]) -> int | None:
    """Return when an organism had given what it owes (milliseconds), None while it has not."""
    enough = FULFILS[asked.level]
    return min(
        (
            instant(given.at)
            for given in answers
            if given.level in enough or (given.level == "forwarded" and asked.role == "lead")
        ),
        default=None,
    )


def is_open(facts: Facts) -> bool:
    """Say whether somebody who was asked has not given yet what it owes."""
    return any(_owes(asked, facts) for asked in facts.asked)


def _owes(asked: Asked, facts: Facts) -> bool:
    return fulfilled(asked, answers_to(asked, facts)) is None and not _annulled(asked, facts)


def _annulled(asked: Asked, facts: Facts) -> bool:
    return any(told.name == ANNULLED and told.event == asked.event for told in facts.told)


def _in_time(asked: Asked, answers: Iterable[Given], as_of: int | None) -> Iterator[Count]:
    at, by = fulfilled(asked, answers), instant(asked.by)
    if at is None and as_of is not None and as_of <= by:
        return
    measure: Measure = "received-in-time" if asked.level == "received" else "reported-in-time"
    yield Count(_key(measure, asked, by), int(at is not None and at <= by), 1)


def _durations(asked: Asked, answers: Iterable[Given]) -> Iterator[Count]:
    began = instant(asked.time)
    if asked.role == "lead":
        yield _duration("time-to-registration", asked, began, instant(asked.registered))
    taken = min((instant(given.at) for given in answers if given.level in _TAKEN), default=None)
    if taken is not None:
        yield _duration("time-to-reception", asked, began, taken)
    done = min((instant(given.at) for given in answers if given.level in _DONE), default=None)
    if done is not None:
        yield _duration("time-to-report", asked, began, done)


def _addressed(asked: Asked, facts: Facts) -> Iterator[Count]:
    """Count a request where it was lodged: with whoever forwarded it first, else with the competent one."""
    forwarded = [given for given in facts.given if given.level == "forwarded"]
    own = [given for given in forwarded if given.event in (asked.event, "")]
    first = min(own, key=lambda given: (instant(given.at), given.organism), default=None)
    where = asked if first is None else asked._replace(organism=first.organism)
    yield Count(_key("wrongly-addressed", where, instant(asked.registered)), int(first is not None), 1)
    for given in own:
        lodged = asked._replace(organism=given.organism)
        yield _duration("time-to-forward", lodged, instant(asked.time), instant(given.at))


def _recorded(
    asked: Asked, answers: Iterable[Given], facts: Facts, within: int, as_of: int | None
) -> Iterator[Count]:
    """Count a contribution paid whose right is recorded; not one that the organism says changed nothing."""
    due = _end_of(_day(instant(asked.time)) + timedelta(days=within))
    recorded = min(
        (
            instant(told.at)
            for told in facts.told
            if told.name == "rights.recorded" and (told.event, told.organism) == (asked.event, asked.organism)
        ),
        default=None,
    )
    if recorded is None and any(given.level == "reported" and given.code == 0 for given in answers):
        return
    if recorded is None and as_of is not None and as_of < due:
        return
    key = Key("rights-recorded-in-time", asked.organism, asked.activity, "", _day(due - 1))
    yield Count(key, int(recorded is not None and recorded < due), 1)


def _aided(asked: Asked, facts: Facts) -> Iterator[Count]:
    """Count an aid once it is paid, or its deadline (paid; decided where that is the promise) is missed."""
    ends = [instant(told.at) for told in facts.told if told.name == "social-aid.paid"]
    missed = [instant(told.due) for told in facts.told if told.name == "deadline.missed"]
    if ends or missed:
        yield Count(_key("social-aid-in-time", asked, min(ends + missed)), int(not missed), 1)


@lru_cache(maxsize=4_096)
def _end_of(day: date) -> int:
    after = day + timedelta(days=1)
    return round(datetime(after.year, after.month, after.day, tzinfo=PARIS).timestamp() * 1000)


def _key(measure: Measure, asked: Asked, at: int) -> Key:
    return Key(measure, asked.organism, asked.activity, level_of(measure), _day(at))


def level_of(measure: Measure) -> str:
    """Return the level of acknowledgement that a measure is about, empty for one that is about none."""
    match measure:
        case "received-in-time":
            return "received"
        case "reported-in-time":
            return "reported"
        case _:
            return ""


def _duration(measure: Measure, asked: Asked, began: int, ended: int) -> Count:
    took = max(ended - began, 0)
    return Count(_key(measure, asked, ended), took, 1, rounded(took))


# --- all cases ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Books:
    """Takes records of cases in any order and adds up with other books: the same figures however it is done.

    Open cases are kept as facts. Of what `forget` lets go of, only the sums stay.
    """

    within: int
    """The days in which the right of a contribution is to be recorded."""
    cases: dict[CaseKey, Facts] = field(default_factory=dict)
    sums: "defaultdict[Key, Tally]" = field(default_factory=lambda: defaultdict(Tally))

    def take(self, taken: Taken) -> None:
        """Take what a record tells."""
        self.cases[taken.case] = self.cases.get(taken.case, NOTHING).with_(taken.facts)

    def add(self, other: "Books") -> None:
        """Add other books, of other cases or of other records of the same ones."""
        for case, facts in other.cases.items():
            self.take(Taken(case, facts))
        for key, tally in other.sums.items():
            self.sums[key].add(tally)

    def forget(self, before: int) -> None:
        """Keep only the sums of cases that are not open and of which nothing was heard since `before`.

        Give milliseconds at least `DAYS_KEPT` days ago: what comes later still would open a case anew.
        """
        for case, facts in list(self.cases.items()):
            if facts.last < before and not is_open(facts):
                del self.cases[case]
                _add(self.sums, counts(facts, self.within))

    def figures(self, as_of: int) -> Figures:
        """Return every figure as it stands at an instant (milliseconds), the oldest open case's included.

        Of the oldest open case the numerator is its age in milliseconds.
        """
        found: defaultdict[Key, Tally] = defaultdict(Tally)
        for key, tally in self.sums.items():
            found[key].add(tally)
        for facts in self.cases.values():
            _add(found, counts(facts, self.within, as_of))
        for organism, since in self._oldest().items():
            key = Key("oldest-open-case", organism, "", "", _day(as_of))
            found[key] = Tally(max(as_of - since, 0), 1)
        return dict(found)

    def _oldest(self) -> Mapping[str, int]:
        oldest: dict[str, int] = {}
        for facts in self.cases.values():
            for asked in facts.asked:
                if _owes(asked, facts):
                    since = instant(asked.time)
                    oldest[asked.organism] = min(since, oldest.get(asked.organism, since))
        return oldest


def _add(sums: "defaultdict[Key, Tally]", counted: Iterable[Count]) -> None:
    for one in counted:
        sums[one.key].count(one)
