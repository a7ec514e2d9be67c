"""Personal fields leave a record whole and come back byte for byte; nothing else of it changes."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from pydantic import BaseModel

from coordination.explaining import hash_of
from schemas import records, veiled
from schemas.emitted import EMITTED
from schemas.inputs import INPUTS
from schemas.marks import personal_fields
from schemas.records import DECISION, DECISION_TYPE, Decision
from tests.contract.golden import VALID, envelope, type_in
from tests.unit.coordination.test_explaining import DECISIONS

PAID = b"fr.l233.contribution.paid.v1"


def seal(plain: bytes) -> bytes:
    """Stand for encryption: what is sealed is not what it was, and can be opened."""
    return bytes(255 - one for one in plain)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"period":"2026-03","paid":"120.00","due":"120.00","base":"1000.00"}',
        b' { "paid" : "1.00" ,\n "organism":"cpam:311" , "period":"\\u0065\\"}," } ',
        '{"worker":{"siren":"732829320","a":[{"period":"é"}]},"period":null,"base":"1.00"}'.encode(),
    ],
)
def test_a_payload_comes_back_as_it_was(payload: bytes) -> None:
    """White space, escapes and the order of fields included."""
    written = veiled.veiled(PAID, payload, seal)
    before, after = json.loads(payload), json.loads(written)
    for name, value in before.items():
        hidden = name in veiled.FIELDS[PAID] and value is not None
        assert str(after[name]).startswith("veiled:") is hidden
        assert hidden or after[name] == value
    assert veiled.unveiled(PAID, written, seal) == payload


@pytest.mark.parametrize(
    "example",
    [one for one in VALID if type_in(one).encode() in veiled.FIELDS],
    ids=lambda path: path.stem,
)
def test_every_golden_example_comes_back_as_it_was(example: Path) -> None:
    type_, payload = type_in(example).encode(), envelope(example).payload
    assert payload is not None
    assert veiled.unveiled(type_, veiled.veiled(type_, payload, seal), seal) == payload


def test_a_payload_without_personal_fields_is_left_as_it_is() -> None:
    """The very bytes: nothing is written anew."""
    payload = b'{"period": null, "organism":"cpam:311"}'
    assert veiled.veiled(PAID, payload, seal) is payload


@given(DECISIONS)
def test_the_hash_of_a_veiled_decision_is_over_what_is_written(decision: Decision) -> None:
    """A hash over the plain situation would let anybody try SIRENs until one fits."""
    object.__setattr__(decision, "hash", hash_of(decision))
    text, type_ = DECISION.dump_json(decision), DECISION_TYPE.encode()
    written = veiled.veiled(type_, text, seal)
    said = json.loads(written)
    told = said.pop("hash")
    assert told == sha256(rfc8785.dumps(said)).hexdigest()
    assert (told == decision.hash) is (decision.situation is None)
    assert set(personal_fields(Decision)) == {"situation"}, "the only field that is looked for in a decision"
    assert veiled.unveiled(type_, written, seal) == text
    erased = DECISION.validate_json(veiled.without_personal(type_, written))
    assert (erased.situation, erased.recipients) == (None, decision.recipients)


READABLE = {
    "organism", "role", "to", "level", "due", "code", "reason", "by_silence", "indicator", "activity",
    "lane", "numerator", "denominator", "spread", "event", "source", "received_by", "detected_by", "against",
    "id", "case", "scheme", "scheme_hash", "rule", "basis", "situation_from", "recipients", "unresolved",
    "clocks", "corrects", "rule_path", "input", "hash", "errors", "topic", "partition", "offset", "timestamp",
    "redrives", "mission", "passed", "verdict", "worker", "opened", "updated", "status", "events", "waiting",
    "outcomes", "escalations", "corrections", "declined",
}  # fmt: skip
"""Names of what proofs, routing, cases and quality need: where nothing is said of a person."""


def models() -> Iterator[type]:
    """Yield everything that is written on a topic of workers."""
    yield from {*INPUTS.values(), *EMITTED.values()}
    yield from (records.Decision, records.DeadLetter, records.AccountReleased, records.Receipt)
    yield records.CaseState


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_field_is_either_marked_or_known_to_tell_of_nobody(model: type) -> None:
    """A new field is looked at by somebody before it is written plainly."""
    if is_dataclass(model):
        names = {one.name for one in fields(model)}
    else:
        assert issubclass(model, BaseModel)
        names = set(model.model_fields)
    if model.__name__ == "QualityMeasured":
        names.discard("period")  # of a count of cases, of nobody
    assert names - personal_fields(model).keys() <= READABLE
    if issubclass(model, BaseModel):
        assert "worker" not in names or "worker" in personal_fields(model)
