"""What decisions and acknowledgements tell a case, for tests that speak of these."""

from collections.abc import Iterable
from functools import reduce

from coordination.acknowledgement import Acknowledgement
from coordination.case_facts import Fact, Said
from coordination.case_messages import asked
from coordination.case_view import state_of
from coordination.cases import Case, fold, nothing_of
from schemas.emitted import AcknowledgementReported
from schemas.records import DECISION, CaseState, Decision
from tests.unit.coordination.examples import directory

Message = Decision | Acknowledgement
DECIDED = "2026-03-02T08:30:00.100Z"


def fact_of(message: Message) -> Fact:
    """Return the fact that a message is."""
    if isinstance(message, Decision):
        return asked(DECISION.dump_json(message), DECIDED, directory())
    code = message.data.code if isinstance(message.data, AcknowledgementReported) else None
    return Said(message.id, message.at, message.level, message.organism, message.causation, code, None)


def case_of(messages: Iterable[Message]) -> Case:
    """Return the case that messages, in this order, make."""
    told = list(messages)
    first = told[0]
    worker = first.event.subject if isinstance(first, Decision) else first.subject
    return reduce(fold, map(fact_of, told), nothing_of(first.case, worker))


def state(messages: Iterable[Message]) -> CaseState:
    """Return the public state of the case that messages, in this order, make."""
    return state_of(case_of(messages))
