"""What becomes of a case as decisions and acknowledgements arrive."""

import json

import pytest

from agents.cases import Cases, NoMessageError
from agents.intake import IntakeAgent
from agents.roles import load_world
from schemas.records import CASE, CaseState
from streaming.topics import Registry
from tests.unit.agents.records import OTHER_WORKER, WORKER, Kept, Memory, arrived, registered

INPUTS = ("l233.decisions", "l233.acknowledgements")


def messages(record: Kept) -> list[Kept]:
    """Return what intake tells the cases about a record."""
    outputs = IntakeAgent(load_world(Registry.load()))(record, Memory()).outputs
    return [arrived(output) for output in outputs if output.topic in INPUTS]


def folded(heard: list[Kept]) -> dict[bytes, CaseState]:
    """Return the latest state of every case once all messages were heard."""
    cases, memory, latest = Cases(load_world(Registry.load())), Memory(), dict[bytes, CaseState]()
    for message in heard:
        result = cases(message, memory)
        memory.kept.update({key: value for key, value in result.writes.items() if value is not None})
        latest |= {out.key or b"": CASE.validate_json(out.value or b"") for out in result.latest}
    return latest


def test_the_order_of_arrival_does_not_matter() -> None:
    """Acknowledgements that come before their decision wait for it."""
    heard = messages(registered())
    assert folded(heard) == folded(heard[::-1])


def test_who_is_asked_is_registered_as_intake_says_it() -> None:
    """The case takes it from the decision, to the id and the instant, and waits for no record of it."""
    decision, *said = messages(registered())
    states = folded([decision])
    assert folded([decision, *said]) == states
    (state,) = states.values()
    shown = {(given.id, given.at, to.organism) for to in state.recipients for given in to.given}
    headers = [dict(one.headers) for one in said]
    organisms = [json.loads(one.value or b"")["organism"] for one in said]
    ids = [(one["ce_id"].decode(), one["ce_time"].decode()) for one in headers]
    assert shown == {(*id_, organism) for id_, organism in zip(ids, organisms, strict=True)}


def test_a_message_heard_twice_changes_nothing() -> None:
    """A repeated decision or acknowledgement leaves the case as it was, and writes nothing."""
    heard = messages(registered())
    assert folded([*heard, *heard]) == folded(heard)


def test_two_workers_with_one_case_id_have_two_cases() -> None:
    """A producer that names one case for two workers does not mix what concerns them."""
    both = [*messages(registered(case="shared")), *messages(registered(case="shared", worker=OTHER_WORKER))]
    states = folded(both)
    assert {state.worker for state in states.values()} == {WORKER, OTHER_WORKER}
    assert all(len(state.events) == 1 for state in states.values())


def test_a_record_without_data_is_an_error() -> None:
    """A tombstone on a topic that has none is isolated."""
    with pytest.raises(NoMessageError):
        Cases(load_world(Registry.load()))(Kept("l233.decisions", None), Memory())
