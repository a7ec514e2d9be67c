"""Divergence gate: what was decided stays decided, unless a note of a migration means to change it."""

from dataclasses import replace
from pathlib import Path

import pytest

from coordination.rulebook import Rulebook
from schemas.inputs import INPUTS
from tests.replay_corpus.corpus import (
    NUMBER,
    classes,
    divergences,
    entries,
    judge,
    meant_to_change,
    rulebook,
    told,
)


def test_today_decides_as_the_corpus_says_but_for_what_notes_mean_to_change() -> None:
    """Both from what was recorded with each decision and with memory rebuilt from the beginning."""
    found = list(divergences(entries(), judge()))
    meant = meant_to_change()
    changed = classes(found)
    unmeant = [one for one in found if one[0].about not in meant]
    assert not unmeant, "decisions differ that no note in docs/migrations means to change:\n" + told(unmeant)
    assert meant.keys() <= changed.keys(), "a note names events whose decisions do not change"


def test_the_corpus_holds_every_type_and_both_versions() -> None:
    corpus = entries()
    assert {entry.about for entry in corpus} >= INPUTS.keys() - {"acknowledgement.refused"}
    decided = b"".join(entry.recorded.decision or b"" for entry in corpus)
    for version in rulebook().schemes:
        assert b'"scheme":"%b"' % version.version.encode() in decided


@pytest.mark.parametrize("changes", [["contribution.paid"], ["contribution.paid", "career.disputed"]])
def test_a_note_excuses_the_events_that_it_names_in_its_corpus(tmp_path: Path, changes: list[str]) -> None:
    """Another rule for contributions is found, and only a note about this corpus covers it."""
    first, second = rulebook().schemes
    rule = replace(first.rules["contribution.paid"], basis="another basis")
    other = replace(first, rules={**first.rules, "contribution.paid": rule})
    changed = classes(divergences(entries(), judge(Rulebook((other, second)))))
    assert changed.keys() == {"contribution.paid"}
    text = f"---\ncorpus: {NUMBER}\nchanges: [{', '.join(changes)}]\n---\nWhy.\n"
    (tmp_path / "0001-contributions.md").write_text(text)
    assert meant_to_change(tmp_path) == dict.fromkeys(changes, "0001-contributions.md")
    assert not meant_to_change(tmp_path, NUMBER + 1)
