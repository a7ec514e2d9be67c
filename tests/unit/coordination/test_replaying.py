"""What is decided again agrees with what was recorded, or it is told what differs and where."""

import json
from dataclasses import replace
from typing import Final

import pytest

from agents.emission import dead_letter
from coordination.intake import Intake
from coordination.replaying import NOTHING, Recorded, compare
from coordination.rulebook import Rulebook
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from schemas.records import DECISION
from tests.unit.coordination.examples import (
    OWN_DATA,
    SUBJECT,
    Data,
    directory,
    record,
    rulebook,
    shipped,
    structured,
    worker,
)
from tests.unit.coordination.test_intake import HOME, KEY, PARTITIONS


class Stream:
    """An intake whose decisions are recorded as its agent does."""

    def __init__(self) -> None:
        self.intake = Intake(rulebook(), directory(), {}, PARTITIONS)
        self.memory: dict[bytes, bytes] = {}
        self.offset = 0

    def take(self, name: str, data: Data, **attributes: object) -> tuple[InputRecord, Recorded]:
        """Decide on an event; return its record and what the topics would say of it."""
        self.offset += 1
        line = structured(name, data, **attributes)  # type: ignore[arg-type]  # the names of `structured`
        at = record(line, key=KEY, partition=HOME, offset=self.offset)
        verdict = self.intake.judge(at, self.memory)
        match verdict:
            case Routed():
                self.memory.update(verdict.writes)
                return at, Recorded(decision=DECISION.dump_json(verdict.decision))
            case Duplicate():
                return at, Recorded(duplicate=True)
            case Refused():
                letter = dead_letter("intake", at, verdict.refusal, verdict.subject, verdict.remembered)
                return at, Recorded(refused=letter.value)
            case Rekeyed():
                return at, NOTHING


AT_HOME: Final = worker("31555")
PAID: Final = OWN_DATA["contribution.paid"]


def registered() -> Stream:
    """Return a stream whose worker is known."""
    stream = Stream()
    stream.take("activity.registered", {"start": "2026-01-05", "worker": AT_HOME}, id_="0")
    return stream


def outside() -> Stream:
    """Return a stream whose worker is known to live where no organism of the scheme is."""
    stream = Stream()
    told = {"start": "2026-01-05", "worker": worker("97701", "31555")}
    stream.take("activity.registered", told, id_="0")
    return stream


@pytest.mark.parametrize(
    ("stream", "name", "data"),
    [
        (registered(), "contribution.paid", {**PAID, "worker": worker("97411")}),
        (registered(), "contribution.paid", PAID),
        (Stream(), "contribution.paid", PAID),
        (registered(), "contribution.paid", {**PAID, "paid": 1.5}),
        (outside(), "sick-leave.received", OWN_DATA["sick-leave.received"]),
    ],
    ids=[
        "of its own block",
        "of what is known",
        "of an unknown worker",
        "refused",
        "refused by what is known",
    ],
)
def test_what_is_recorded_is_enough_to_decide_alike(stream: Stream, name: str, data: Data) -> None:
    """Nothing that came before has to be read."""
    at, recorded = stream.take(name, data)
    assert not recorded.nothing
    found = compare(at, recorded, stream.intake)
    assert (found.outcome, found.differences) == ("identical", ())


def test_repetitions_conflicts_and_corrections_agree_too() -> None:
    stream = registered()
    _, opened = stream.take("sick-leave.received", OWN_DATA["sick-leave.received"], correlationid="c")
    said = {"event": "1", "source": "urn:example:counter"}
    longer = {"starts": "2026-03-01", "ends": "2026-03-20"}
    all_of_them = [
        stream.take("sick-leave.received", OWN_DATA["sick-leave.received"], correlationid="c"),
        stream.take("sick-leave.received", longer, correlationid="c"),
        stream.take("case.updated", {**said, "data": longer}, id_="2", correlationid="c"),
        stream.take("case.annulled", {**said, "reason": "wrong"}, id_="3", correlationid="c"),
        stream.take("case.annulled", {**said, "reason": "again"}, id_="4", correlationid="c"),
        stream.take("case.updated", {**said, "event": "9", "data": {}}, id_="5", correlationid="c"),
        stream.take("case.forwarded", {"organism": "cpam:311", "to": "cpam:751"}, id_="6", correlationid="c"),
        stream.take("case.forwarded", {"organism": "cpam:751", "to": "cpam:311"}, id_="7", correlationid="c"),
    ]
    assert opened.decision is not None
    kinds = [
        "".join(n for n in ("decision", "refused", "duplicate") if getattr(r, n)) for _, r in all_of_them
    ]
    assert kinds == ["duplicate", "refused", "decision", "decision", *["refused"] * 2, "decision", "refused"]
    assert [compare(at, recorded, stream.intake).outcome for at, recorded in all_of_them] == ["identical"] * 8


def test_a_changed_rule_is_told_with_the_field() -> None:
    stream = Stream()
    at, recorded = stream.take("contribution.paid", {**PAID, "worker": AT_HOME})
    rule = replace(shipped().rules["contribution.paid"], basis="another basis")
    scheme = replace(shipped(), rules={**shipped().rules, "contribution.paid": rule})
    found = compare(at, recorded, Intake(Rulebook((scheme,)), directory(), {}, PARTITIONS))
    assert (found.outcome, found.rule) == ("different", "contribution.paid")
    assert [one.path for one in found.differences] == ["/basis", "/hash"]
    assert found.differences[0].now == "another basis"


def test_a_recorded_decision_that_was_altered_is_told() -> None:
    """Even where its hash was left alone."""
    stream = Stream()
    at, recorded = stream.take("contribution.paid", {**PAID, "worker": AT_HOME})
    told = json.loads(recorded.decision or b"")
    told["recipients"][0]["by"] = "2099-01-01T00:00:00+01:00"
    altered = Recorded(decision=json.dumps(told, separators=(",", ":")).encode())
    found = compare(at, altered, stream.intake)
    assert [one.path for one in found.differences] == ["/recipients/0/by"]


def test_another_kind_of_verdict_is_told() -> None:
    stream = Stream()
    at, recorded = stream.take("contribution.paid", {**PAID, "worker": AT_HOME})
    nothing_left = Intake(Rulebook(()), directory(), {}, PARTITIONS)
    found = compare(at, recorded, nothing_left)
    assert (found.outcome, found.rule) == ("different", "no_scheme_in_force")
    assert [(one.path, one.then, one.now) for one in found.differences] == [("/verdict", "routed", "refused")]


def test_an_input_of_which_nothing_was_recorded_is_missing() -> None:
    stream = Stream()
    at, _ = stream.take("contribution.paid", {**PAID, "worker": AT_HOME})
    assert compare(at, NOTHING, stream.intake).outcome == "missing"


def test_what_was_put_back_is_recorded_where_it_went() -> None:
    """The record on the wrong partition has nothing recorded of it, and that is right."""
    stream = Stream()
    line = structured("contribution.paid", {**PAID, "worker": AT_HOME}, subject=SUBJECT)
    at = record(line, key=KEY, partition=(HOME + 1) % PARTITIONS)
    assert compare(at, NOTHING, stream.intake).outcome == "identical"


def test_rebuilt_memory_holds_the_recorded_inputs_to_account() -> None:
    """A decision that tells another situation than was known agrees with itself, not with what is rebuilt."""
    stream = registered()
    before = dict(stream.memory)
    elsewhere = Stream()
    elsewhere.take("activity.registered", {"start": "2026-01-05", "worker": worker("97411")}, id_="0")
    elsewhere.offset = stream.offset
    at, recorded = elsewhere.take("contribution.paid", PAID)
    assert compare(at, recorded, stream.intake).outcome == "identical"
    rebuilt = compare(at, recorded, stream.intake, before)
    assert rebuilt.outcome == "different"
    assert "/situation/residence" in [one.path for one in rebuilt.differences]
