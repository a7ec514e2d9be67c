"""The account of a stream: everything that arrived ended in one place, and every recipient has answered."""

from dataclasses import replace

import pytest

from agents.intake import IntakeAgent
from agents.roles import ORGANISMS, load_world
from coordination.conservation import Account, Ledger
from streaming.records import Output
from streaming.topics import Registry
from tests.unit.agents.records import Kept, Memory, arrived, event, registered

WORLD = load_world(Registry.load())
SYSTEM = {organism.agent: organism(WORLD) for organism in ORGANISMS}


def day() -> list[Kept]:
    """Return what lies on all topics after a day with one record of each outcome."""
    intake, memory = IntakeAgent(WORLD), Memory()
    good = registered()
    wrongly_keyed = replace(good, key=b"another", partition=(good.partition + 1) % 4, offset=1)
    arrivals = [
        good,
        replace(good, offset=8),
        replace(event("contribution.paid", {"period": "2026"}, id_="e2"), offset=9),
        wrongly_keyed,
    ]
    lying = list(arrivals)
    for arrival in arrivals:
        result = intake(arrival, memory)
        memory.kept.update({key: value for key, value in result.writes.items() if value is not None})
        for output in result.outputs:
            lying.extend(_and_its_answers(output, offset=100 + len(lying)))
    (back,) = [kept for kept in lying if kept.topic == "l233.events" and kept.offset >= 100]
    again = intake(back, memory)
    return [*lying, *(arrived(output, 900 + at) for at, output in enumerate(again.outputs))]


def _and_its_answers(output: Output, offset: int) -> list[Kept]:
    kept = arrived(output, offset)
    agent = output.topic.removeprefix("l233.inbox.")
    if agent == output.topic:
        return [kept]
    return [kept, *(arrived(answer) for answer in SYSTEM[agent](kept, Memory()).outputs)]


def lying_after(arrivals: list[Kept]) -> list[Kept]:
    """Return what lies on all topics after records have come, those that intake puts back included."""
    intake, memory, lying = IntakeAgent(WORLD), Memory(), list(arrivals)
    waiting = list(arrivals)
    while waiting:
        arrival = waiting.pop(0)
        result = intake(arrival, memory)
        memory.kept.update({key: value for key, value in result.writes.items() if value is not None})
        for output in result.outputs:
            kept = arrived(output, 100 + len(lying))
            lying.append(kept)
            if kept.topic == "l233.events":
                waiting.append(kept)
    return lying


def account(records: list[Kept]) -> Account:
    """Return the account of records, whatever their order."""
    ledger = Ledger(4)
    for record in records:
        ledger.take(record)
    return ledger.account()


def test_a_day_in_which_nothing_is_missing_has_no_residual() -> None:
    """Each outcome is counted once; a record put back is counted where it was and where it is."""
    total = account(day()).total
    assert (total.received, total.routed, total.duplicates, total.dead_letters, total.rekeyed) == (
        5,
        1,
        2,
        1,
        1,
    )
    assert total.residual == 0


def test_the_order_in_which_topics_are_read_does_not_matter() -> None:
    """An outcome read before the record that it belongs to is the same account."""
    assert account(day()[::-1]) == account(day())


def test_a_record_without_an_outcome_is_a_residual() -> None:
    """What intake swallowed shows."""
    without = [kept for kept in day() if kept.topic != "l233.dead-letters"]
    assert account(without).total.residual == 1


def test_a_record_with_two_outcomes_is_a_residual() -> None:
    """What was written twice shows, as a residual and as repeated."""
    twice = [*day(), *(replace(kept, offset=999) for kept in day() if kept.topic == "l233.decisions")]
    assert account(twice).total.residual == 1
    assert account(twice).repeated == 1


def test_a_recipient_that_did_not_answer_shows() -> None:
    """One acknowledgement less, one recipient unanswered; `registered` by intake is no answer."""
    received = [
        kept
        for kept in day()
        if dict(kept.headers).get("ce_type", b"").endswith(b"acknowledgement.received.v1")
    ]
    assert account(day()).unanswered == 0
    assert account([kept for kept in day() if kept != received[0]]).unanswered == 1


def test_a_day_is_the_day_of_arrival() -> None:
    """Records are accounted for on the day on which Kafka took them, in UTC."""
    tomorrow = [
        replace(kept, timestamp=kept.timestamp + 86_400_000) if kept.offset == 9 else kept for kept in day()
    ]
    days = account(tomorrow).days
    assert [balance.received for balance in days.values()] == [4, 1]
    assert all(balance.residual == 0 for balance in days.values())


def test_the_dead_letter_of_an_agent_is_not_an_input_of_intake() -> None:
    """What an organism failed on is counted as isolated, and the input it came from stays routed."""
    isolated = [
        replace(
            kept,
            headers=tuple(
                (name, b"urn:l233:cpam" if name == "ce_source" else value) for name, value in kept.headers
            ),
        )
        for kept in day()
        if kept.topic == "l233.dead-letters"
    ]
    assert account([*day(), *isolated]).isolated == 1
    assert account([*day(), *isolated]).total.residual == 0


# --- marks that a producer writes itself ------------------------------------------------------------

GOOD = registered()
MARKS = [
    ("l233-rekeyed", b"0/5"),
    ("l233-rekeyed", f"{GOOD.partition}/{GOOD.offset}".encode()),
    ("l233-rekeyed", b"\xff"),
    ("l233-rekeyed", None),
    ("l233-input", b"2/7"),
    ("l233-outcome", b"duplicate"),
    ("l233-mandate", b"{}"),
    ("l233-reason", b"contract"),
    ("l233-redrives", b"9" * 5_000),
    ("l233-redrives", b"many"),
]


def marked(record: Kept, *marks: tuple[str, bytes | None]) -> Kept:
    """Return a record with headers of ours that its producer wrote."""
    return replace(record, headers=(*record.headers, *marks))  # type: ignore[arg-type]  # Kafka allows None


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"{mark[0]}={mark[1]!r:.20}")
def test_a_mark_that_a_producer_forged_counts_for_nothing(mark: tuple[str, bytes | None]) -> None:
    """On a routed, a refused, a repeated and a wrongly keyed record: each ends once, where it should."""
    refused = event("contribution.paid", {"period": "2026"}, id_="e2")
    wrong = replace(event("activity.ceased", {"end": "2026"}, id_="e3"), key=b"another")
    arrivals = [
        GOOD,
        marked(replace(GOOD, offset=8), mark),
        marked(replace(refused, offset=9), mark),
        marked(replace(wrong, partition=(wrong.partition + 1) % 4, offset=10), mark),
    ]
    total = account(lying_after(arrivals)).total
    assert (total.routed, total.duplicates, total.dead_letters, total.rekeyed) == (1, 1, 2, 1)
    assert total.residual == 0


def test_a_copy_that_claims_a_rekeyed_original_does_not_count_it_twice() -> None:
    """Somebody sends what intake put back once more, mark and all: a duplicate."""
    wrong = replace(GOOD, key=b"another", partition=(GOOD.partition + 1) % 4, offset=1)
    copy = marked(replace(GOOD, offset=20), ("l233-rekeyed", f"{wrong.partition}/1".encode()))
    total = account(lying_after([wrong, copy])).total
    assert (total.routed, total.duplicates, total.rekeyed, total.residual) == (1, 1, 1, 0)


def test_a_forged_mark_hides_no_loss() -> None:
    """A record that intake lost stays missing, although another says it was put back from there."""
    claiming = marked(replace(GOOD, offset=8), ("l233-rekeyed", f"{GOOD.partition}/{GOOD.offset}".encode()))
    lying = [kept for kept in lying_after([GOOD, claiming]) if kept.topic != "l233.decisions"]
    assert account(lying).total.residual == 1


def test_acknowledgements_of_two_sources_may_have_one_id() -> None:
    """Ids are unique for a source; what is not written twice is not counted as repeated."""
    said: dict[str, object] = {"organism": "cpam:311"}
    first = event("acknowledgement.settled", said, id_="1", case="case-7")
    second = replace(
        first, offset=8, headers=[(n, b"urn:other" if n == "ce_source" else v) for n, v in first.headers]
    )
    found = account(lying_after([first, second]))
    assert (found.total.routed, found.total.residual, found.repeated) == (2, 0, 0)
