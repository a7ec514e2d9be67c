"""What a case must be at the end, computed a second time: from its raw records alone, all of them together.

Shares nothing with `coordination.cases`, which folds one record after the other as it comes: an answer that
is dropped, or taken twice, makes the two differ, whichever code worked it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from streaming.records import Record

_ENOUGH: Final[Mapping[str, frozenset[str]]] = {
    "received": frozenset({"received", "reported", "settled", "forwarded", "refused"}),
    "reported": frozenset({"reported", "settled", "refused"}),
    "resolved": frozenset({"reported", "settled", "refused"}),
    "decided": frozenset({"settled", "refused"}),
    "paid": frozenset({"settled", "refused"}),
}
_NO: Final = 3
"""The code of a report after which nothing will be decided or paid."""
_LAST_SECOND: Final = 1_000
"""A deadline is its last second: missed is what has not come when that is over."""
_SETTLED_BY_PAYMENT: Final = "fr.l233.social-aid.requested.v1"
_SILENCE_ANSWERS: Final = ("fr.l233.radiation.envisaged.v1", "support")
_OWN: Final = "urn:l233:cases"
Json = Any
Place = tuple[int, bytes]
"""Lane, and the key of a case."""


class Said(NamedTuple):
    """An acknowledgement, with the event that it is about."""

    id: str
    organism: str
    level: str
    at: int
    about: str | None
    code: int | None


class Outcome(NamedTuple):
    """Something that happened, or that the clock said."""

    id: str
    name: str
    organism: str
    level: str | None
    at: int
    about: str | None


class Owed(NamedTuple):
    """What one organism owes: what was asked, by when, and what else ends it."""

    decision: str
    event: str
    type: str
    organism: str
    role: str
    level: str
    by: str
    until: str | None
    began: int
    answers: bool
    """Whether acknowledgements are shown with it: they are not with a further clock."""


class Ended(NamedTuple):
    """How a part must stand: the ids of its answers, when it ended and how, and whether it was missed."""

    given: tuple[str, ...]
    done: int | None
    how: str | None
    missed: bool


@dataclass(slots=True)
class Case:
    """Everything that records tell of one case, in no order."""

    owed: list[Owed] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    happened: list[Outcome] = field(default_factory=list)
    clock: list[Outcome] = field(default_factory=list)
    """What the role cases said itself."""
    types: dict[str, int] = field(default_factory=dict)
    """Names of the events decided on, with the instant of the decision: some end a clock."""


class Cases:
    """Takes decisions, acknowledgements and outcomes, and holds the latest record of each case against them.

    What comes of corrections, of outages and of acknowledgements from outside is not computed here: the day
    of a fault run has none, and one that came along would be told as wrong.
    """

    def __init__(self, as_of: int) -> None:
        """As of an instant in milliseconds: deadlines before it have passed."""
        self._as_of = as_of
        self._cases: defaultdict[Place, Case] = defaultdict(Case)

    def take(self, record: Record) -> None:
        """Take one record of the three topics, whatever it is."""
        said = {name: value.decode() for name, value in record.headers}
        data = json.loads(record.value or b"null")
        case = self._cases[record.partition, case_key(said["ce_subject"], said["ce_correlationid"])]
        match record.topic:
            case "l233.decisions":
                _decision(case, said, data)
            case "l233.acknowledgements":
                _acknowledgement(case, said, data)
            case _:
                _outcome(case, said, data)

    def wrong(self, found: Mapping[Place, bytes | None]) -> Mapping[Place, str]:
        """Return what is wrong, in words, with each case that is not what it must be.

        `found` is the last record of each.
        """
        wrong = dict.fromkeys(found.keys() - self._cases.keys(), "nothing tells of it")
        for place, case in self._cases.items():
            value = found.get(place)
            if value is None:
                wrong[place] = "it has no record"
                continue
            for what, shown, expected in self._compared(case, json.loads(value)):
                if shown != expected:
                    wrong[place] = f"{what}: {shown}, not {expected}"
        return wrong

    def _compared(self, case: Case, shown: Json) -> Iterator[tuple[str, object, object]]:
        """Yield what a case shows beside what it must show."""
        ended = {owed: self._ended(case, owed) for owed in case.owed}
        expected = Counter(_part(owed, how) for owed, how in ended.items())
        yield "parts", Counter(map(_shown, (*shown["recipients"], *shown["clocks"]))), expected
        done = bool(ended) and all(how.done is not None for how in ended.values())
        yield "status", shown["status"], "closed" if done else "open"
        yield "outcomes", _ids(shown["outcomes"]), Counter(one.id for one in case.happened)
        raised = {one.id: one for one in case.clock if one.name == "escalation.raised"}
        yield "escalations", _ids(shown["escalations"]), Counter(raised.keys())
        heard = {said.about for said in case.said}
        told = {one["id"]: one["received_at"] is not None for one in shown["escalations"]}
        yield "escalations received", told, {id_: id_ in heard for id_ in raised}
        taken = {id_ for how in ended.values() for id_ in how.given}
        left = Counter(said.id for said in case.said if said.id not in taken and said.about not in raised)
        yield "waiting", _ids(shown["waiting"]), left
        yield "settled", *_settled(case, ended)
        missed = Counter((o.event, o.organism, o.level) for o, how in ended.items() if how.missed)
        said = [one for one in case.clock if one.name == "deadline.missed"]
        yield "missed", Counter((one.about, one.organism, one.level) for one in said), missed

    def _ended(self, case: Case, owed: Owed) -> Ended:
        about = [one for one in case.said if (one.organism, one.about) == (owed.organism, owed.event)]
        ends = [(one.at, "answered") for one in about if _is_enough(owed, one)]
        if owed.until is not None:
            ends += [(o.at, "stopped") for o in case.happened if o.name == owed.until and o.at >= owed.began]
            at = case.types.get(owed.until)
            ends += [] if at is None or at < owed.began else [(at, "stopped")]
        over = _milliseconds(owed.by) + _LAST_SECOND
        passed = over <= self._as_of and not any(at < over for at, _ in ends)
        silent = (owed.type, owed.role) == _SILENCE_ANSWERS and owed.answers
        if passed and silent:
            ends.append((over, "silence"))
        done, how = min(ends, default=(None, None))
        given = tuple(sorted(one.id for one in about)) if owed.answers else ()
        return Ended(given, done, how, passed and not silent)


def case_key(worker: str, case: str) -> bytes:
    """Return the key of a case's records."""
    return f"{worker}/{case}".encode()


def _decision(case: Case, said: Mapping[str, str], data: Json) -> None:
    event = data["event"]
    about = data["id"], event["id"], event["type"]
    case.types[_name(event["type"])] = _milliseconds(said["ce_time"])
    for to in data["recipients"]:
        asks = to["organism"], to["role"], to["acknowledge"], to["by"]
        case.owed.append(Owed(*about, *asks, until=None, began=0, answers=True))
    for clock in data["clocks"]:
        asks = clock["organism"], "lead", clock["level"], clock["due"]
        case.owed.append(Owed(*about, *asks, until=clock["until"], began=0, answers=False))


def _acknowledgement(case: Case, said: Mapping[str, str], data: Json) -> None:
    level, about = said["ce_type"].split(".")[-2], said.get("ce_causationid")
    at = _milliseconds(said["ce_time"])
    case.said.append(Said(said["ce_id"], data["organism"], level, at, about, data.get("code")))


def _outcome(case: Case, said: Mapping[str, str], data: Json) -> None:
    name, at, about = _name(said["ce_type"]), _milliseconds(said["ce_time"]), said.get("ce_causationid")
    if said["ce_source"] == _OWN:
        case.clock.append(Outcome(said["ce_id"], name, data["organism"], data.get("level"), at, about))
        return
    if (mandate := said.get("l233-mandate")) is not None and name == "rights.mismatch":
        asks = json.loads(mandate)
        # What resolves it: rights recorded anew, from when it came up.
        own = said["ce_id"], said["ce_id"], said["ce_type"], asks["organism"], asks["role"]
        case.owed.append(Owed(*own, "resolved", asks["by"], "rights.recorded", at, answers=True))
        return
    case.happened.append(Outcome(said["ce_id"], name, data["organism"], None, at, about))


def _is_enough(owed: Owed, said: Said) -> bool:
    if said.level in _ENOUGH[owed.level] or (said.level == "forwarded" and owed.role == "lead"):
        return True
    return not owed.answers and said.code == _NO


def _settled(case: Case, ended: Mapping[Owed, Ended]) -> tuple[object, object]:
    """Return who said of which events that they are settled, and who had to say it."""
    levels = {said.id: said.level for said in case.said}
    by_decision: defaultdict[str, list[Owed]] = defaultdict(list)
    for owed in ended:
        if owed.level in ("reported", "resolved") and owed.answers and owed.type != _SETTLED_BY_PAYMENT:
            by_decision[owed.decision].append(owed)
    expected: Counter[tuple[str, str]] = Counter()
    for parts in by_decision.values():
        reported = any(levels[id_] == "reported" for owed in parts for id_ in ended[owed].given)
        lead = next((owed.organism for owed in parts if owed.role == "lead"), None)
        if reported and lead is not None and all(ended[owed].done is not None for owed in parts):
            expected[parts[0].event, lead] += 1
    return Counter((one.about, one.organism) for one in case.said if one.level == "settled"), expected


def _part(owed: Owed, ended: Ended) -> tuple[object, ...]:
    return owed.decision, owed.organism, _milliseconds(owed.by), *ended


def _shown(one: Json) -> tuple[object, ...]:
    given = tuple(sorted(each["id"] for each in one.get("given", ())))
    done = None if one["done_at"] is None else _milliseconds(one["done_at"])
    due = _milliseconds(one.get("by", one["due"]))
    return one["decision"], one["organism"], due, given, done, one["ended"], one["missed_at"] is not None


def _ids(shown: Iterable[Json]) -> Counter[str]:
    return Counter(one["id"] for one in shown)


def _name(type_: str) -> str:
    return type_.removeprefix("fr.l233.").rpartition(".v")[0]


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)
