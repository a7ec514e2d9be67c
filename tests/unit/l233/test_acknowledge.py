"""`l233 acknowledge`: what may be said, under which id, and what a person is told of the answer."""

from dataclasses import replace
from typing import Final

import pytest

from l233.acknowledging import Given, Judged, Level, answer_in
from l233.commands.acknowledge import as_json, told
from l233.outgoing import Entry
from schemas.envelope import unpack_structured
from schemas.events import type_of
from schemas.records import (
    CaseRecipient,
    CaseState,
    DeclinedAcknowledgement,
    GivenAcknowledgement,
    WaitingAcknowledgement,
)
from schemas.refusal import Violation
from schemas.validation import Event, validate
from tests.unit.coordination.examples import MONDAY, SUBJECT
from tests.unit.l233.command_line import run

Capture = pytest.CaptureFixture[str]
REPORT: Final = Given(
    case="case-7",
    worker=SUBJECT,
    organism="cpam:311",
    level=Level.REPORTED,
    own={"code": 1, "reasons": ["an address is missing"]},
    event="e1",
    at=MONDAY,
    source="urn:operator:cpam:311",
)
CASE: Final = CaseState("case-7", SUBJECT, MONDAY, MONDAY, "open", (), (), ())


def test_what_is_sent_keeps_its_contract() -> None:
    event = validate(unpack_structured(REPORT.line()))
    assert isinstance(event, Event)
    assert (event.type, event.subject, event.correlationid, event.causationid) == (
        type_of("acknowledgement.reported"),
        SUBJECT,
        "case-7",
        "e1",
    )
    assert event.data.model_dump(exclude_none=True) == {"organism": "cpam:311", **REPORT.own} | {
        "reasons": ("an address is missing",)
    }


def test_the_same_words_at_the_same_time_are_one_acknowledgement() -> None:
    """So that sending again after a failure changes nothing; anything else has an id of its own."""
    others = [
        replace(REPORT, own={"code": 2}),
        replace(REPORT, event=None),
        replace(REPORT, at="2026-03-02T09:30:01+01:00"),
        replace(REPORT, organism="cpam:811"),
        replace(REPORT, case="case-8"),
    ]
    assert replace(REPORT).id == REPORT.id
    assert len({REPORT.id, *(other.id for other in others)}) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "reported"], "--level reported needs --code"),
        (["--level", "settled", "--code", "0"], "leave --code and --reason out"),
        (["--level", "refused"], "needs one --reason, of not_served_here, not_competent"),
        (["--level", "refused", "--reason", "other", "--reason", "duplicate"], "needs one --reason"),
        (["--level", "refused", "--reason", "no time"], "/data/reason: expected 'not_served_here'"),
        (["--level", "reported", "--code", "4"], "/data/code: expected an integer, 0 to 3"),
        (["--level", "settled", "--worker", "me"], "/subject: expected a worker reference"),
        (["--level", "settled", "--at", "noon"], "/time: expected an RFC 3339 time"),
        (["--level", "settled", "--source", "urn:l233:cpam"], "/source: sources that begin with urn:l233:"),
    ],
)
def test_what_can_not_be_said_is_told_before_kafka_is_needed(
    capsys: Capture, options: list[str], message: str
) -> None:
    done = run(capsys, "acknowledge", "case-7", "--organism", "cpam:311", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.error


def test_an_organism_that_does_not_exist_is_told(capsys: Capture) -> None:
    done = run(capsys, "acknowledge", "case-7", "--organism", "cpam:31", "--level", "settled")
    assert done.code == 2
    assert "/data/organism: expected the id of an organism" in done.error


def part(*given: GivenAcknowledgement) -> CaseRecipient:
    return CaseRecipient("d", "cpam:311", "lead", "health", "reported", "2026-03-16T23:59:59+01:00", given)


def test_the_answer_of_a_case_is_found_by_the_id() -> None:
    on_time = GivenAcknowledgement("a1", "reported", MONDAY, 1)
    late = replace(on_time, id="a2", late=True)
    case = replace(
        CASE,
        recipients=(part(on_time), part(late)),
        declined=(DeclinedAcknowledgement("a3", "cpam:811", "reported", MONDAY, "no part in the case"),),
        waiting=(WaitingAcknowledgement("a4", "cpam:811", "reported", MONDAY, None),),
    )
    assert [answer_in(case, id_) for id_ in ("a1", "a2", "a3", "a4", "a5")] == [
        Judged("taken"),
        Judged("taken_late"),
        Judged("declined", "no part in the case"),
        Judged("waiting"),
        None,
    ]


REGISTERED: Final = Entry(1, REPORT.id, "registered", scheme="2026-01", case="case-7")


@pytest.mark.parametrize(
    ("entry", "judged", "wanted"),
    [
        (REGISTERED, Judged("taken"), "cpam:311 reported on case case-7: taken"),
        (replace(REGISTERED, outcome="duplicate"), Judged("taken"), "taken, said before"),
        (REGISTERED, Judged("taken_late"), "taken, after its deadline"),
        (REGISTERED, Judged("declined", "no part\x1b in it"), "declined: no part\ufffd in it"),
        (REGISTERED, None, "is cases running?"),
        (replace(REGISTERED, outcome="waiting"), None, "is intake running?"),
        (
            replace(
                REGISTERED, outcome="refused", reason="not_allowed", errors=(Violation("/source", "may not"),)
            ),
            None,
            "refused (not_allowed): may not",
        ),
    ],
)
def test_a_person_is_told_the_answer_in_one_line(entry: Entry, judged: Judged | None, wanted: str) -> None:
    line = told(REPORT, entry, judged)
    assert wanted in line
    assert "\n" not in line


def test_a_program_is_told_everything() -> None:
    found = as_json(REPORT, REGISTERED, Judged("declined", "no part in the case"))
    assert found == {
        "id": REPORT.id,
        "case": "case-7",
        "worker": SUBJECT,
        "organism": "cpam:311",
        "level": "reported",
        "at": MONDAY,
        "outcome": "registered",
        "reason": None,
        "errors": [],
        "answer": "declined",
        "why": "no part in the case",
    }
