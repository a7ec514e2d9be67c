"""Every type has golden examples: right ones pass contract and JSON Schema, wrong ones are refused."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.audit import CHECKPOINT_TYPE
from schemas.events import type_of
from schemas.inputs import EVENT_NAMES
from schemas.outages import OUTAGE_TYPE
from schemas.publish import ENVELOPE, PUBLISHED
from schemas.refusal import REASONS, Refusal
from schemas.registry import EVERY_TYPE, INPUT
from schemas.scheme import LIFE, SCHEME_VERSION_TYPE
from schemas.validation import Event, validate
from tests.contract.golden import EXAMPLES, INVALID, VALID, envelope, expected, type_in

OF_NO_WORKER = {
    "fr.l233.quality.measured.v1",
    SCHEME_VERSION_TYPE,
    OUTAGE_TYPE,
    CHECKPOINT_TYPE,
    *map(type_of, LIFE),
}
"""What is said of an organism, or of the scheme: no worker is its subject."""
ANYBODY = {"subject": "worker:0123456789abcdef0123456789abcdef"}


def published(name: str) -> Draft202012Validator:
    """Return the published schema of a type, formats included."""
    schema = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def named_for(example: Path) -> str:
    """Return the type that the name of an example's file begins with."""
    return max(
        (known for known in EVERY_TYPE if f"fr.l233.{example.name}".startswith(known.removesuffix("v1"))),
        key=len,
    )


def test_every_type_has_a_valid_example() -> None:
    """None is forgotten, emitted events and records included."""
    assert {type_in(example) for example in VALID} == EVERY_TYPE.keys()


def test_every_type_that_is_taken_in_has_an_invalid_example() -> None:
    """None is forgotten."""
    named = {named_for(example) for example in INVALID if not example.name.startswith("envelope.")}
    assert named == INPUT.keys()


def test_every_field_of_a_contract_stands_in_an_example() -> None:
    """Optional fields too: a producer sees how each is written."""
    for event_type in INPUT:
        shown = [
            event.data.model_fields_set
            for example in VALID
            if type_in(example) == event_type and isinstance(event := validate(envelope(example)), Event)
        ]
        fields = set(json.loads((PUBLISHED / f"{event_type}.json").read_text(encoding="utf-8"))["properties"])
        assert fields - {"worker"} <= set().union(*shown), event_type


@pytest.mark.parametrize("example", VALID, ids=lambda path: path.stem)
def test_a_valid_example_keeps_its_contract_and_the_published_schemas(example: Path) -> None:
    """Pydantic and the published schemas agree; the file is named for its type."""
    unpacked = envelope(example)
    assert type_in(example) == named_for(example)
    assert unpacked.violations == ()
    assert unpacked.payload is not None
    EVERY_TYPE[type_in(example)].validate_json(unpacked.payload)
    published(type_in(example)).validate(json.loads(unpacked.payload))
    said = json.loads(example.read_bytes())
    published(ENVELOPE).validate({**said, **ANYBODY} if type_in(example) in OF_NO_WORKER else said)


@pytest.mark.parametrize("example", VALID, ids=lambda path: path.stem)
def test_only_what_producers_may_send_is_taken_in(example: Path) -> None:
    """What only l233 says itself is no input."""
    result = validate(envelope(example))
    if type_in(example) in EVENT_NAMES:
        assert isinstance(result, Event)
        assert result.name == EVENT_NAMES[type_in(example)]
    else:
        assert isinstance(result, Refusal)
        assert result.reason == "unknown_type"


@pytest.mark.parametrize("example", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_is_refused_for_everything_that_is_wrong(example: Path) -> None:
    """The reason and the path of every violation are those beside the example."""
    result = validate(envelope(example))
    assert isinstance(result, Refusal)
    assert result.reason == expected(example).reason
    assert sorted(violation.path for violation in result.errors) == sorted(expected(example).paths)


def test_no_expectation_is_left_over() -> None:
    """Beside every invalid example stands what is expected, and nothing else."""
    expectations = {path.name.replace(".expected.", ".") for path in EXAMPLES.rglob("*.expected.json")}
    assert expectations == {example.name for example in INVALID}
    assert {expected(example).reason for example in INVALID} <= set(REASONS)
