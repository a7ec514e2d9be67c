"""The story of a golden case as `l233 trace` tells it: in both languages, and as it was known on a day."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from agents.roles import ACTING, roles
from l233 import rehearsal_input
from l233 import settings as configuration
from l233.instants import end_of_day
from l233.reference import world
from l233.rehearsal import Held, Rehearsal, quiet
from l233.story import KnownOn, Story, of_records
from l233.story_text import as_text
from l233.words import Language, words
from schemas.records import CASE
from schemas.topics import INPUT
from tests.golden.sagas import ROOT, Saga, read, sagas

WORLD = world(configuration.load())
SAGAS = [pytest.param(saga, id=saga.folder.name) for saga in sagas()]


def rehearsed(saga: Saga) -> list[Held]:
    """Return everything that is written."""
    records: list[Held] = []
    inputs = rehearsal_input.read(str(saga.file), WORLD.registry.topics[INPUT].partitions)
    until = rehearsal_input.milliseconds(end_of_day(date.fromisoformat(saga.until)))
    file = saga.folder / "outages.jsonl"
    known = (
        replace(WORLD, outages=rehearsal_input.outages(str(file), WORLD.directory)) if saga.outages else WORLD
    )
    with quiet():
        for _ in Rehearsal(roles(ACTING, known), records.append).run(inputs, until):
            pass
    return records


def story(records: Sequence[Held], case: str, day: str | None = None) -> Story | None:
    """Return the story of a case."""
    about = [record for record in records if dict(record.headers).get("ce_correlationid") == case.encode()]
    latest = [record for record in about if record.topic == "l233.cases"][-1]
    told = {"l233.decisions", "l233.acknowledgements", "l233.outcomes", "l233.receipts"}
    known_on = None if day is None else KnownOn(day, end_of_day(date.fromisoformat(day)))
    mine = [record for record in about if record.topic in told]
    return of_records(CASE.validate_json(latest.value or b""), mine, WORLD, known_on)


def text(told: Story | None, language: Language = Language.ENGLISH) -> str:
    """Return a story in lines."""
    assert told is not None
    return "\n".join(as_text(told, WORLD.directory, words(language)))


@pytest.mark.parametrize("saga", SAGAS)
@pytest.mark.parametrize("language", list(Language))
def test_every_case_can_be_told(saga: Saga, language: Language) -> None:
    """Whatever happened in it: no value is left unfilled, no sentence is missing."""
    records = rehearsed(saga)
    for case in {event["correlationid"] for event in saga.inputs}:
        told = text(story(records, case), language)
        assert case in told
        assert not re.search(r"{\w+}|\bNone\b|\bTrue\b|\bFalse\b", told)


def test_a_missed_deadline_is_told_with_its_escalation_and_the_late_answer() -> None:
    told = text(story(rehearsed(read(ROOT / "business-acknowledgement")), "complaint"))
    assert "lead         CPAM de la Haute-Garonne (cpam:311), CSS art. L211-1" in told
    assert "reported by the end of 2026-03-16: done 2026-03-19 10:00:00, late" in told
    lines = [line.strip() for line in told.split("Told in order of time\n")[1].splitlines()]
    assert (
        "2026-03-17 00:00:00  deadline missed: CPAM de la Haute-Garonne (cpam:311): reported, due 2026-03-16"
        in lines
    )
    assert any(line.startswith("2026-03-17 00:00:00  escalated: CPAM") for line in lines)
    (late,) = [line for line in lines if "reported, late: " in line]
    assert "code 3, not taken into account (the allowances were computed rightly)" in late
    assert "not taken: reported of URSSAF Midi-Pyrénées (urssaf:midi-pyrenees)" in told


def test_in_french_it_reads_as_french() -> None:
    records = rehearsed(read(ROOT / "business-acknowledgement"))
    told = text(story(records, "complaint"), Language.FRENCH)
    assert "chef de file CPAM de la Haute-Garonne (cpam:311), art. L211-1 du CSS" in told
    assert "compte rendu métier à rendre au plus tard le 16/03/2026 : rendu hors délai, le 19/03/2026" in told
    assert "code 3, non pris en compte" in told
    assert "compte rendu métier, hors délai : CPAM" in told


def test_what_was_known_on_a_day_is_told_as_it_was_then() -> None:
    """Until its last day nothing was late; the day after it was, and nobody knew of an answer yet."""
    records = rehearsed(read(ROOT / "business-acknowledgement"))
    before = text(story(records, "complaint", "2026-03-16"))
    assert "As known at the end of 2026-03-16" in before
    assert "reported by the end of 2026-03-16: open  [" in before
    assert "deadline near" in before
    assert "missed" not in before
    after = text(story(records, "complaint", "2026-03-17"))
    assert "reported by the end of 2026-03-16: open, missed 2026-03-17 00:00:00" in after
    assert "code 3" not in after
    assert story(records, "complaint", "2026-03-01") is None
