"""A case is its facts: kept as lines, read back, in any order and any number of times the same."""

import json
from functools import reduce
from itertools import pairwise
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from coordination.case_facts import Fact, Held, Moved, Raised, Said, Told, read, write
from coordination.case_messages import asked
from coordination.case_view import published, state_of
from coordination.cases import Case, fold, nothing_of
from coordination.deadlines import Law, due, next_instant
from coordination.instants import instant, milliseconds
from coordination.settling import settlements
from schemas.records import CASE, DECISION, CaseState
from tests.unit.coordination.examples import SUBJECT, directory
from tests.unit.coordination.telling import fact_of
from tests.unit.coordination.test_cases import FIRST, NAMESAKE, SECOND

AT: Final = "2026-03-02T08:30:00.100Z"
EMPTY: Final = nothing_of("one-case", SUBJECT)
MESSAGES: Final[list[Fact]] = [
    *(asked(DECISION.dump_json(story.decision), AT, directory()) for story in (FIRST, SECOND, NAMESAKE)),
    *(fact_of(said) for story in (FIRST, SECOND, NAMESAKE) for said in story.said),
]
LAST: Final = milliseconds("2027-01-01T00:00:00Z")


def heads(_scheme: str, _organism: str) -> list[str]:
    """Return the same two heads for everybody."""
    return ["cnam", "acoss"]


LAW: Final = Law(heads)
CLOCK: Final = reduce(fold, MESSAGES[:3], EMPTY)
TOLD: Final = due(CLOCK, LAST, LAW)
"""Everything that the clock says of a case in which nobody answers."""
SETTLED: Final = list(settlements(reduce(fold, MESSAGES, EMPTY)))
EVERYTHING: Final[list[Fact]] = [*MESSAGES, *TOLD, *SETTLED]


def folded(facts: list[Fact]) -> CaseState:
    """Return what facts, in this order, make of a case."""
    return state_of(reduce(fold, facts, EMPTY))


@given(st.permutations(EVERYTHING), st.lists(st.sampled_from(EVERYTHING), max_size=5))
def test_facts_in_any_order_make_one_state(order: list[Fact], again: list[Fact]) -> None:
    """What the clock says comes after what it is about; the rest in any order."""
    asking = [fact for fact in order if fact in MESSAGES[:3]]
    rest = [fact for fact in order if fact not in MESSAGES[:3]]
    said = [fact for fact in rest if isinstance(fact, Said)]
    clock = [fact for fact in rest if not isinstance(fact, Said)]
    cut = len(said) // 2
    arrived = [*said[:cut], *asking, *clock, *said[cut:], *again]
    assert folded(arrived) == folded(EVERYTHING)


@given(st.lists(st.sampled_from(EVERYTHING), unique_by=id))
def test_facts_are_read_as_they_were_written(facts: list[Fact]) -> None:
    """A line each, whatever they hold."""
    assert list(read(write(facts))) == facts


@given(st.text(), st.text(max_size=8), st.none() | st.text(max_size=8))
def test_any_text_survives_being_written(text: str, organism: str, cause: str | None) -> None:
    """Ids, sources and payloads from outside are anything at all."""
    said = Said(text, AT, "reported", organism, cause, 1, None)
    held = Held(said, text, True, ((text, organism),), text)
    assert list(read(write([said, held]))) == [said, held]


def test_the_published_state_is_that_of_the_contract() -> None:
    """Written piece by piece, it has every field of a case and no other."""
    case = reduce(fold, EVERYTHING, EMPTY)
    assert json.loads(published(case)) == json.loads(CASE.dump_json(state_of(case)))


@given(st.lists(st.integers(milliseconds("2026-03-01T00:00:00Z"), LAST), max_size=12).map(sorted))
def test_the_clock_says_the_same_whatever_the_steps_of_time(steps: list[int]) -> None:
    """And each thing once."""
    case, told = CLOCK, list[Fact]()
    for now in [*steps, LAST]:
        facts = due(case, now, LAW)
        case = reduce(fold, facts, case)
        told.extend(facts)
    assert told == list(TOLD)
    assert len({fact.id for fact in TOLD}) == len(TOLD)
    assert next_instant(case) is None


@given(
    st.permutations(MESSAGES), st.lists(st.integers(0, 30), min_size=len(MESSAGES), max_size=len(MESSAGES))
)
def test_the_clock_says_the_same_in_whatever_order_it_hears(order: list[Fact], days: list[int]) -> None:
    """An answer counts by its own instant, so the state of affairs at the end decides what was to be said."""
    spread = [
        fact._replace(at=instant(milliseconds(fact.at) + days[MESSAGES.index(fact)] * 86_400_000))
        if isinstance(fact, Said)
        else fact
        for fact in order
    ]
    case = reduce(fold, spread, EMPTY)
    usual = reduce(fold, sorted(spread, key=repr), EMPTY)
    told = due(case, LAST, LAW)
    assert sorted(told) == sorted(due(usual, LAST, LAW))
    spoken = [fact.at for fact in told]
    assert all(first <= second for first, second in pairwise(spoken))


def test_the_clock_speaks_of_every_part_once() -> None:
    """Near and missed for each, and both heads hear of each."""
    parts = len(CLOCK.parts)
    counted = {kind: sum(isinstance(fact, kind) for fact in TOLD) for kind in (Told, Raised, Moved)}
    assert counted == {Told: 2 * parts, Raised: 2 * parts, Moved: 0}


def test_what_an_earlier_version_wrote_of_registrations_changes_nothing() -> None:
    """They were lines of their own once, and lie in changelogs; the decision tells as much."""
    without = [fact for fact in EVERYTHING if not (isinstance(fact, Said) and fact.level == "registered")]
    assert len(without) < len(EVERYTHING)
    assert folded(without) == folded(EVERYTHING)


def test_what_was_asked_is_read_as_an_earlier_version_wrote_it() -> None:
    """The instant of the event stood with each organism once, before the last two."""
    line = json.loads(write(MESSAGES[:1]))
    asks = next(value for value in line if isinstance(value, list))
    asks[:] = [[*ask[:-2], milliseconds(FIRST.event.time.isoformat()), *ask[-2:]] for ask in asks]
    assert list(read(json.dumps(line).encode() + b"\n")) == MESSAGES[:1]


def test_a_message_that_is_known_changes_nothing() -> None:
    """The same object comes back, so that nothing is written."""
    case: Case = reduce(fold, EVERYTHING, EMPTY)
    assert all(fold(case, fact) is case for fact in EVERYTHING)
