"""A year after an ordinary day: every case adds up, and the clock has said of each what there was to say."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from agents.roles import ACTING, load_world, roles
from bench.rehearsal import lines
from coordination.standing import standing
from l233 import rehearsal_input
from l233.rehearsal import Emitted, Held, Rehearsal, quiet
from schemas.records import CASE, CaseClock, CaseRecipient, CaseState
from schemas.topics import INPUT
from streaming.topics import Registry

EVENTS = 400
LATER = "2027-06-01T00:00:00Z"
"""When every deadline of March 2026 has passed: the longest are six months and a start in some months."""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Emitted], list[CaseState]]:
    """Rehearse a generated day and the year after it: all that was emitted, and every case as it is then."""
    file = tmp_path_factory.mktemp("day") / "day.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines(EVENTS)))
    world, kept = load_world(Registry.load()), dict[bytes | None, CaseState]()

    def on_record(record: Held) -> None:
        if record.topic == "l233.cases":
            kept[record.key] = CASE.validate_json(record.value or b"")

    rehearsal = Rehearsal(roles(ACTING, world), on_record)
    inputs = rehearsal_input.read(str(Path(file)), world.registry.topics[INPUT].partitions)
    until_ms = int(datetime.fromisoformat(LATER).timestamp() * 1000)
    with quiet():
        emitted = [event for moment in rehearsal.run(inputs, until_ms) for event in moment.emitted]
    return emitted, list(kept.values())


def test_nothing_is_said_twice(year: tuple[list[Emitted], list[CaseState]]) -> None:
    """Every emitted event has an id of its own."""
    ids = Counter(event.attributes["id"] for event in year[0])
    assert ids.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    "at", ["2026-03-02T12:00:00Z", "2026-03-04T00:00:00Z", "2026-03-17T00:00:00Z", LATER]
)
def test_every_case_adds_up_at_any_instant(year: tuple[list[Emitted], list[CaseState]], at: str) -> None:
    """What is expected is given, open in time, or overdue."""
    assert {standing(case, at).residual for case in year[1]} == {0}


def test_what_is_still_owed_was_missed_and_what_was_missed_was_owed(
    year: tuple[list[Emitted], list[CaseState]],
) -> None:
    """A year later nothing is open in time, and each overdue part was told once."""
    emitted, cases = year
    parts: list[CaseRecipient | CaseClock] = []
    for case in cases:
        parts += [*case.recipients, *case.clocks]
    missed = Counter(event.name for event in emitted)
    assert missed["deadline.missed"] == sum(part.missed_at is not None for part in parts) > 0
    assert all((part.done_at is None) == (part.missed_at is not None) for part in parts)
    assert sum(standing(case, LATER).open for case in cases) == 0
    near = sum(part.near_at is not None for part in parts)
    assert missed["deadline.near"] == near >= missed["deadline.missed"]


def test_every_event_that_was_reported_in_full_is_settled(
    year: tuple[list[Emitted], list[CaseState]],
) -> None:
    """Once, by its lead; of social aid its organism says so, which nobody does here."""
    settled = Counter(event.name for event in year[0])["acknowledgement.settled"]
    done = 0
    for case in year[1]:
        for event in case.events:
            owing = [
                p for p in case.recipients if (p.decision, p.acknowledge) == (event.decision, "reported")
            ]
            reported = any(given.level == "reported" for part in owing for given in part.given)
            done += bool(owing) and reported and all(part.done_at is not None for part in owing)
    assert settled == done > 0
