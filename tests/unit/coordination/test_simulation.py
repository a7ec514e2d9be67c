"""What a draft would have changed is counted, and what is not known is not guessed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import scheme
from coordination.calendar import Delay
from coordination.expressions import Own
from coordination.quality_facts import instant
from coordination.quality_objectives import read_objectives
from coordination.routing import route
from coordination.rulebook import Rule, Scheme
from coordination.simulation import Answers, Tally, report
from coordination.situation import situation_of
from schemas.events import ActivityRegistered
from schemas.records import Decision
from tests.unit.coordination.examples import directory, event, shipped, worker

TOULOUSE: Final = worker("31555")
AS_OF: Final = instant("2026-12-31T00:00:00Z")


def with_rule(rule: Rule) -> Scheme:
    """Return a draft in which one rule is another."""
    one = shipped()
    return replace(one, version="draft", hash="f" * 64, rules={**one.rules, rule.name: rule})


def decided(version: Scheme, name: str) -> Decision:
    """Return what a version decides on the example of a type, in Toulouse."""
    known = event("activity.registered", at=TOULOUSE).data
    assert isinstance(known, ActivityRegistered)
    found = route(event(name, at=TOULOUSE), version, directory(), situation_of(known.worker, "123456782"))
    assert isinstance(found, Decision)
    return found


def simulated(draft: Scheme, name: str, answers: Answers | None = None, as_of: int = AS_OF) -> Any:  # noqa: ANN401  a report, as JSON
    """Return the report on one event."""
    tally = Tally()
    tally.take(decided(shipped(), name), decided(draft, name), answers or {}, as_of)
    objectives = read_objectives("quality.yaml", scheme.quality())
    return report(tally, shipped(), draft, {"from": None, "to": None}, objectives)


def test_nothing_changes_under_the_same_rules() -> None:
    found = simulated(replace(shipped(), version="draft"), "sick-leave.received")
    assert (found["elsewhere"], found["deadlines"]) == ({}, {})
    assert all(one["then"] == one["now"] for one in found["organisms"])
    assert found["answers"]["reported"]["then"] == found["answers"]["reported"]["now"]


def test_who_gains_and_who_loses_is_told() -> None:
    """Health leads in place of whom the complaint is about: nobody knows if it would have been in time."""
    rule = shipped().rules["complaint.lodged"]
    other = replace(rule, assignments=(replace(rule.assignments[0], expression=Own("health")),))
    found = simulated(with_rule(other), "complaint.lodged")
    assert found["elsewhere"] == {"complaint.lodged": 1}
    told = {one["organism"]: (one["gained"], one["lost"]) for one in found["organisms"]}
    assert told == {"carsat:35": (0, 1), "cpam:311": (1, 0)}
    assert found["answers"]["reported"]["now"] == {"in_time": 0, "late": 0, "open": 0, "unknown": 1}


def sooner() -> Scheme:
    """Return a draft that gives the lead of a sick leave 2 working days in place of 10."""
    rule = shipped().rules["sick-leave.received"]
    lead = rule.assignments[0]
    obligation = replace(lead.obligation, delay=Delay.parse("2 working days"))
    return with_rule(replace(rule, assignments=(replace(lead, obligation=obligation), *rule.assignments[1:])))


def test_an_answer_in_time_then_would_have_been_late_under_a_shorter_deadline() -> None:
    """The event is of Monday 2 March: reported on Friday, within 10 working days, not within 2."""
    answers = {("1", "cpam:311"): [("received", instant("2026-03-02T10:00:00Z"))]}
    answers["1", "cpam:311"].append(("reported", instant("2026-03-06T10:00:00Z")))
    found = simulated(sooner(), "sick-leave.received", answers, instant("2026-03-07T00:00:00Z"))
    assert found["deadlines"] == {"sick-leave.received": {"shorter": 1, "longer": 0, "days": -12}}
    reported = found["answers"]["reported"]
    assert (reported["then"]["in_time"], reported["then"]["late"]) == (1, 0)
    assert (reported["now"]["in_time"], reported["now"]["late"]) == (0, 1)
    objective = next(one for one in found["objectives"] if one["indicator"] == "reported-in-time")
    assert Decimal(objective["then"]["value"]) == 100
    assert Decimal(objective["now"]["value"]) == 0
    assert objective["now"]["state"] == "missed"


def test_what_is_not_due_yet_is_open_and_what_was_due_is_late() -> None:
    early = simulated(sooner(), "sick-leave.received", as_of=instant("2026-03-03T00:00:00Z"))
    assert early["answers"]["reported"]["now"]["late"] == 0
    later = simulated(sooner(), "sick-leave.received", as_of=instant("2026-03-06T00:00:00Z"))
    assert later["answers"]["reported"]["now"]["late"] == 1
    assert later["answers"]["reported"]["then"]["late"] == 0


def test_parts_add_up() -> None:
    whole, one, other = Tally(), Tally(), Tally()
    for name, tally in (("sick-leave.received", one), ("complaint.lodged", other)):
        given = decided(shipped(), name), decided(sooner(), name)
        tally.take(*given, {}, AS_OF)
        whole.take(*given, {}, AS_OF)
    one.add(other)
    assert one == whole
