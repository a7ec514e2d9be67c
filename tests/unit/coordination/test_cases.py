"""A case folds to the same state whatever the order of arrival."""

from dataclasses import dataclass
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from coordination.acknowledgement import Acknowledgement, answer, mandate_of, read, with_decision
from coordination.routing import route
from coordination.situation import situation_of
from schemas.envelope import unpack_structured
from schemas.records import CASE, Decision, Level
from schemas.validation import Event, validate
from tests.unit.coordination.examples import OWN_DATA, SIREN, directory, shipped, structured, worker
from tests.unit.coordination.telling import Message
from tests.unit.coordination.telling import state as folded

REPORT = b'{"organism": "%s", "role": "%s", "code": 0}'


@dataclass(frozen=True)
class Story:
    """An event of the case, its decision and what was said about it."""

    event: Event
    decision: Decision
    said: tuple[Acknowledgement, ...]


def story(name: str, id_: str, time: str, commune: str, source: str = "urn:example:counter") -> Story:
    line = structured(
        name,
        {**OWN_DATA[name], "worker": worker(commune)},
        id_=id_,
        time=time,
        correlationid="one-case",
        source=source,
    )
    happened = validate(unpack_structured(line))
    assert isinstance(happened, Event)
    assert happened.data.worker is not None
    decided = route(happened, shipped(), directory(), situation_of(happened.data.worker, SIREN))
    assert isinstance(decided, Decision)
    registered = with_decision(decided, shipped().rules[name], happened, "2026-03-02T09:00:00.000Z")
    received = [
        answer(
            mandate_of(decided, to),
            decided.case,
            decided.event,
            directory().organisms[to.organism].agent,
            directory(),
            at=f"2026-03-02T09:00:0{at}.000Z",
        )
        for at, to in enumerate(decided.recipients)
    ]
    reported = [
        said(decided, to.organism, "reported", REPORT % (to.organism.encode(), to.role.encode()))
        for to in decided.recipients
        if to.acknowledge == "reported"
    ]
    return Story(happened, decided, (*registered, *received, *reported))


def said(decided: Decision, organism: str, level: Level, payload: bytes) -> Acknowledgement:
    """Return what an organism's own system says."""
    attributes = {
        "type": f"fr.l233.acknowledgement.{level}.v1",
        "id": f"{decided.id}/{organism}/{level}",
        "subject": decided.event.subject,
        "correlationid": decided.case,
        "time": "2026-03-05T10:00:00+01:00",
        "causationid": decided.event.id,
    }
    return read(attributes, payload)


FIRST: Final = story("contribution.paid", "1", "2026-03-02T09:30:00+01:00", "31555")
SECOND: Final = story("contact.received", "2", "2026-03-02T08:30:00Z", "97105")
NAMESAKE: Final = story("turnover.declared", "1", "2026-03-04T09:30:00+01:00", "31555", "urn:example:other")
"""Another source may give its event the id of the first."""
MESSAGES: Final[list[Message]] = [
    *(FIRST.decision, SECOND.decision, NAMESAKE.decision),
    *(*FIRST.said, *SECOND.said, *NAMESAKE.said),
]


@given(st.permutations(MESSAGES), st.lists(st.sampled_from(MESSAGES), max_size=6))
def test_any_order_and_any_repetition_give_the_same_state(order: list[Message], again: list[Message]) -> None:
    wanted = CASE.dump_json(folded(MESSAGES))
    assert CASE.dump_json(folded([*order, *again])) == wanted


@given(st.data())
def test_any_part_of_the_story_gives_one_state(data: st.DataObject) -> None:
    """Also where decisions are missing, so that answers wait; `registered` comes with its decision."""
    part = data.draw(st.lists(st.sampled_from(MESSAGES), min_size=1, unique_by=id))
    order = data.draw(st.permutations(part))
    state = folded(order)
    assert CASE.dump_json(state) == CASE.dump_json(folded(part))
    assert CASE.validate_json(CASE.dump_json(state)) == state
    told = {given.id for asked in state.recipients for given in asked.given} | {w.id for w in state.waiting}
    decided = [one for one in (FIRST, SECOND, NAMESAKE) if one.decision in part]
    registered = {said.id for one in decided for said in one.said if said.level == "registered"}
    answers = [one for one in part if isinstance(one, Acknowledgement) and one.level != "registered"]
    assert told == registered | {said.id for said in answers}


def test_an_acknowledgement_waits_for_its_decision() -> None:
    early = FIRST.said[-1]
    state = folded([early])
    assert [waiting.id for waiting in state.waiting] == [early.id]
    assert (state.status, state.recipients, state.opened) == ("open", (), early.at)
    state = folded([early, FIRST.decision])
    assert state.waiting == ()
    given = [one for asked in state.recipients for one in asked.given if one.level != "registered"]
    assert [one.id for one in given] == [early.id]
    assert state.opened == FIRST.decision.event.time


def test_a_case_closes_with_the_last_obligation() -> None:
    messages: list[Message] = [FIRST.decision, *FIRST.said]
    assert {folded(messages[:heard]).status for heard in range(1, len(messages))} == {"open"}
    assert folded(messages).status == "closed"


def test_registered_alone_fulfils_nothing_and_received_no_report() -> None:
    below = [message for message in FIRST.said if message.level in {"registered", "received"}]
    state = folded([FIRST.decision, *below])
    assert state.status == "open"
    done = {asked.organism: [given.level for given in asked.given] for asked in state.recipients}
    assert done == {organism: ["registered", "received"] for organism in done}


def test_a_report_counts_as_received_for_the_informed() -> None:
    informed = next(to for to in FIRST.decision.recipients if to.role == "informed")
    others = [message for message in FIRST.said if message.organism != informed.organism]
    report = said(FIRST.decision, informed.organism, "reported", REPORT % (b"cpam:311", b"informed"))
    assert folded([FIRST.decision, *others]).status == "open"
    assert folded([FIRST.decision, *others, report]).status == "closed"


def test_a_refusal_ends_the_part_of_its_organism() -> None:
    lead = FIRST.decision.recipients[0].organism
    others = [message for message in FIRST.said if message.organism != lead]
    payload = b'{"organism": "%s", "role": "lead", "reason": "out_of_scope"}' % lead.encode()
    assert (
        folded([FIRST.decision, *others, said(FIRST.decision, lead, "refused", payload)]).status == "closed"
    )


def test_a_second_decision_opens_a_closed_case_again_until_it_is_answered() -> None:
    messages: list[Message] = [FIRST.decision, *FIRST.said]
    assert folded(messages).status == "closed"
    again = folded([*messages, SECOND.decision])
    assert again.status == "open"
    assert sorted(joined.id for joined in again.events) == ["1", "2"]
    assert folded([*messages, SECOND.decision, *SECOND.said]).status == "closed"


def test_what_one_event_is_told_does_not_answer_another() -> None:
    """The same organism in two events of a case owes both."""
    again = story("contribution.paid", "3", "2026-03-03T09:30:00+01:00", "31555")
    state = folded([FIRST.decision, again.decision, *FIRST.said])
    said = [one.level for to in state.recipients if to.decision == again.decision.id for one in to.given]
    assert set(said) == {"registered"}
    assert state.status == "open"


def test_the_organism_that_forwarded_without_being_asked_stays_told() -> None:
    """SECOND was lodged with an URSSAF that has no part in the case."""
    state = folded([SECOND.decision, *SECOND.said])
    assert [(w.organism, w.level) for w in state.waiting] == [("urssaf:bretagne", "forwarded")]
    assert state.status == "closed"


def test_a_host_that_forwarded_still_owes_its_report() -> None:
    """The request counts as received where it was lodged, and no more: the URSSAF supports all the same."""
    lodged = story("contact.received", "4", "2026-03-02T09:30:00+01:00", "35238")
    host = next(to for to in lodged.decision.recipients if to.role == "support")
    report = next(one for one in lodged.said if (one.organism, one.level) == (host.organism, "reported"))
    others = [message for message in lodged.said if message != report]
    assert (host.organism, "forwarded") in {(one.organism, one.level) for one in others}
    assert folded([lodged.decision, *others]).status == "open"
    assert folded([lodged.decision, *others, report]).status == "closed"


def test_a_lead_that_forwards_has_done_its_part() -> None:
    """Another one takes the request over."""
    lead = FIRST.decision.recipients[0].organism
    others = [message for message in FIRST.said if message.organism != lead]
    payload = b'{"organism": "%s", "role": "lead", "to": "urssaf:corse"}' % lead.encode()
    forwarded = said(FIRST.decision, lead, "forwarded", payload)
    assert folded([FIRST.decision, *others, forwarded]).status == "closed"
