"""A decision says which input it is on, and its hash shows any change."""

from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from coordination.explaining import canonical, explained, hash_of
from coordination.verdicts import InputRecord
from schemas.codes import KINDS
from schemas.records import DECISION, Decision, InputPlace, Recipient, Situation

HERE: Final = InputRecord("l233.events", 2, 417, 1_772_440_200_000, None, None, ())
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Whatever UTF-8 can write: accents, quotes, control characters, what lies beyond the first plane."""
SITUATIONS: Final = st.builds(
    Situation,
    siren=TEXTS,
    residence=TEXTS,
    establishment=TEXTS,
    attachments=st.dictionaries(st.sampled_from(KINDS), TEXTS),
)
DECISIONS: Final = st.builds(
    Decision,
    situation=st.none() | SITUATIONS,
    input=st.none() | st.builds(InputPlace, TEXTS, st.integers(0, 99), st.integers(0, 2**53 - 1)),
    id=TEXTS,
    case=TEXTS,
    scheme=TEXTS,
    scheme_hash=TEXTS,
    rule=TEXTS,
    basis=TEXTS,
)


def by_the_library(decision: Decision) -> bytes:
    """Return the oracle's canonical JSON of a decision without its hash."""
    said: dict[str, Any] = DECISION.dump_python(decision, mode="json")
    del said["hash"]
    return rfc8785.dumps(said)


@given(DECISIONS)
def test_the_canonical_form_is_that_of_rfc_8785(decision: Decision) -> None:
    assert canonical(decision) == by_the_library(decision)


@given(DECISIONS)
def test_the_hash_is_that_of_all_the_rest(decision: Decision) -> None:
    found = explained(decision, HERE)
    assert found == replace(decision, input=InputPlace("l233.events", 2, 417), hash=found.hash)
    assert found.hash == sha256(by_the_library(found)).hexdigest()


@given(DECISIONS, DECISIONS)
def test_two_decisions_have_one_hash_only_when_they_are_one(decision: Decision, other: Decision) -> None:
    assert (hash_of(decision) == hash_of(other)) == (decision == other)


@given(DECISIONS, TEXTS)
def test_a_change_shows(decision: Decision, text: str) -> None:
    changed = replace(decision, case=text)
    assert (hash_of(changed) == hash_of(decision)) == (changed == decision)


TO: Final = Recipient("cpam:311", "lead", "health", "reported", "2026-03-03T23:59:59+01:00", "b", "example")


@pytest.mark.parametrize(
    "other", [replace(TO, role="support"), replace(TO, by="2026-03-04"), replace(TO, organism="cpam:751")]
)
def test_a_change_of_a_recipient_shows(other: Recipient) -> None:
    decision = DECISION.validate_json(
        b'{"id":"d","event":{"id":"1","source":"s","type":"t","subject":"w","time":"2026"},"case":"c",'
        b'"scheme":"v","scheme_hash":"h","rule":"r","basis":"b","activity":null,"situation":null,'
        b'"situation_from":"nothing","recipients":[],"unresolved":[]}'
    )
    assert hash_of(replace(decision, recipients=(TO,))) != hash_of(replace(decision, recipients=(other,)))
