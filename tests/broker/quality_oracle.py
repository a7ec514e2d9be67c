"""The figures of quality computed a second time, from the raw records, in one go and without our own code.

Every record is read as JSON; a share is a list of true and false, a duration a list of seconds.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from streaming.records import Record

PARIS = ZoneInfo("Europe/Paris")
ENOUGH = {
    "received": ("received", "reported", "settled", "forwarded", "refused"),
    "reported": ("reported", "settled", "refused"),
}
DURATIONS = {
    "time-to-reception": ("received", "refused", "reported", "settled"),
    "time-to-report": ("reported", "settled"),
}
REQUESTS = ("fr.l233.contact.received.v1", "fr.l233.appointment.requested.v1")
RECORDED, MISMATCH = "fr.l233.rights.recorded.v1", "fr.l233.rights.mismatch.v1"
Json = Any


@dataclass
class Case:
    """The records of one case."""

    decisions: dict[str, Json] = field(default_factory=dict)
    answers: list[Json] = field(default_factory=list)
    outcomes: list[Json] = field(default_factory=list)


@dataclass
class Found:
    """Values by (indicator, organism): of shares whether it was so, of durations the seconds."""

    shares: "defaultdict[tuple[str, str], list[bool]]" = field(default_factory=lambda: defaultdict(list))
    seconds: "defaultdict[tuple[str, str], list[float]]" = field(default_factory=lambda: defaultdict(list))


def when(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text)


def day(text: str) -> date:
    """Return the day of Paris of an instant."""
    return when(text).astimezone(PARIS).date()


def gathered(records: Iterable[Record]) -> list[Case]:
    """Return the cases that records tell of."""
    cases: defaultdict[tuple[str, str], Case] = defaultdict(Case)
    for record in records:
        said = {name: value.decode() for name, value in record.headers}
        data = json.loads(record.value or b"")
        case = cases[said["ce_subject"], said["ce_correlationid"]]
        told = {**data, "at": said["ce_time"], "about": said.get("ce_causationid"), "type": said["ce_type"]}
        if record.topic == "l233.decisions":
            case.decisions[data["id"]] = told
        elif record.topic == "l233.acknowledgements":
            case.answers.append(told)
        else:
            case.outcomes.append(told | {"id": said["ce_id"], "asks": said.get("l233-mandate")})
    return list(cases.values())


@dataclass(frozen=True)
class Window:
    """The days that are looked at, both ends in it, and when."""

    first: date
    last: date
    as_of: datetime

    def has(self, text: str) -> bool:
        """Say whether an instant lies in it."""
        return self.first <= day(text) <= self.last


def computed(records: Iterable[Record], window: Window) -> Found:
    """Return every value whose day lies in a window."""
    found = Found()
    for case in gathered(records):
        for decision in case.decisions.values():
            for to in decision["recipients"]:
                _part(found, case, decision, to, window)
                if decision["event"]["type"] == "fr.l233.contribution.paid.v1" and to["role"] != "lead":
                    _right(found, case, decision, to, window)
            if decision["event"]["type"] in REQUESTS:
                _request(found, case, decision, window)
            if decision["event"]["type"] == "fr.l233.social-aid.requested.v1":
                _aid(found, case, decision, window)
        for one in case.outcomes:
            if one["asks"]:
                as_decision = {"event": {"id": one["id"], "time": one["at"]}, "at": one["at"]}
                _part(found, case, as_decision, json.loads(one["asks"]), window)
            if one["type"] in (RECORDED, MISMATCH) and window.has(one["at"]):
                found.shares["rights-mismatch", one["organism"]].append(one["type"] == MISMATCH)
    return found


def _level(answer: Json) -> str:
    return str(answer["type"].split(".")[-2])


def _answers(case: Case, event: str, organism: str) -> list[Json]:
    return [one for one in case.answers if one["organism"] == organism and one["about"] in (event, None)]


def _part(found: Found, case: Case, decision: Json, to: Json, window: Window) -> None:
    event, organism = decision["event"], to["organism"]
    answers = _answers(case, event["id"], organism)
    enough = (*ENOUGH[to["acknowledge"]], *(["forwarded"] if to["role"] == "lead" else []))
    given = sorted(when(one["at"]) for one in answers if _level(one) in enough)
    if window.has(to["by"]) and (given or window.as_of > when(to["by"])):
        in_time = bool(given) and given[0] <= when(to["by"])
        found.shares[f"{to['acknowledge']}-in-time", organism].append(in_time)
    began = when(event["time"])
    if to["role"] == "lead" and window.has(decision["at"]):
        found.seconds["time-to-registration", organism].append(_since(began, decision["at"]))
    for indicator, levels in DURATIONS.items():
        first = min((one["at"] for one in answers if _level(one) in levels), key=when, default=None)
        if first is not None and window.has(first):
            found.seconds[indicator, organism].append(_since(began, first))


def _request(found: Found, case: Case, decision: Json, window: Window) -> None:
    forwarded = [
        one
        for one in case.answers
        if _level(one) == "forwarded" and one["about"] in (decision["event"]["id"], None)
    ]
    first = min(forwarded, key=lambda one: when(one["at"]), default={"organism": _lead(decision)})
    if window.has(decision["at"]):
        found.shares["wrongly-addressed", first["organism"]].append(bool(forwarded))
    for one in forwarded:
        if window.has(one["at"]):
            waited = _since(when(decision["event"]["time"]), one["at"])
            found.seconds["time-to-forward", one["organism"]].append(waited)


def _lead(decision: Json) -> str:
    return next(str(to["organism"]) for to in decision["recipients"] if to["role"] == "lead")


def _aid(found: Found, case: Case, decision: Json, window: Window) -> None:
    paid = [one["at"] for one in case.outcomes if one["type"] == "fr.l233.social-aid.paid.v1"]
    missed = [
        one["due"]
        for one in case.outcomes
        if one["type"] == "fr.l233.deadline.missed.v1" and one["level"] in ("paid", "decided")
    ]
    if (paid or missed) and window.has(min(paid + missed, key=when)):
        found.shares["social-aid-in-time", _lead(decision)].append(not missed)


def _right(found: Found, case: Case, decision: Json, to: Json, window: Window) -> None:
    last = day(decision["event"]["time"]) + timedelta(days=30)
    recorded = [
        day(one["at"])
        for one in case.outcomes
        if (one["type"], one["organism"], one["about"]) == (RECORDED, to["organism"], decision["event"]["id"])
    ]
    nothing_new = any(
        _level(one) == "reported" and one.get("code") == 0
        for one in _answers(case, decision["event"]["id"], to["organism"])
    )
    over = window.as_of.astimezone(PARIS).date() > last
    if window.first <= last <= window.last and (recorded or (over and not nothing_new)):
        in_time = bool(recorded) and min(recorded) <= last
        found.shares["rights-recorded-in-time", to["organism"]].append(in_time)


def _since(began: datetime, ended: str) -> float:
    return max((when(ended) - began).total_seconds(), 0.0)


def nearest_rank(values: list[float], percent: int) -> float:
    """Return the smallest value that so many percent do not exceed."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]
