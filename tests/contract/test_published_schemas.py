"""The published JSON Schemas are current, complete, and agree with the contracts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import publish
from schemas.publish import PUBLISHED
from schemas.registry import EVERY_TYPE, INPUT
from schemas.strict_json import JsonValue
from tests.contract.golden import envelope, of_types, type_in

Place = tuple[str | int, ...]


def test_the_published_schemas_are_current() -> None:
    """`python -m schemas.publish` would change nothing."""
    assert publish.differences(PUBLISHED, publish.generate()) == []


def test_there_is_one_schema_for_every_type_and_one_for_the_envelope() -> None:
    """No type without schema, no orphan schema."""
    wanted = {f"{name}.json" for name in (*EVERY_TYPE, publish.ENVELOPE)}
    assert {path.name for path in PUBLISHED.iterdir()} == wanted


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.json")), ids=lambda path: path.stem)
def test_a_published_schema_is_itself_valid(path: Path) -> None:
    """It is JSON Schema 2020-12 and says which one it is."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:l233:schema:{path.stem}"


def test_a_missing_a_stale_and_a_left_over_file_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` names each and says what to do; without it they are put right."""
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path)
    assert publish.main([]) == 0
    assert publish.main(["--check"]) == 0
    (tmp_path / "fr.l233.contribution.paid.v1.json").write_text("{}")
    (tmp_path / "fr.l233.contribution.called.v1.json").unlink()
    (tmp_path / "fr.l233.forgotten.v1.json").write_text("{}")
    assert publish.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "missing: fr.l233.contribution.called.v1.json",
        "left over: fr.l233.forgotten.v1.json",
        "stale: fr.l233.contribution.paid.v1.json",
        "run `python -m schemas.publish` and commit the result",
    ]
    assert publish.main([]) == 0
    assert publish.main(["--check"]) == 0


# --- contract and schema compared on changed examples ----------------------------------------------

SCHEMAS = {name: json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8")) for name in INPUT}
DATA: list[tuple[str, JsonValue]] = [
    (type_in(example), json.loads(envelope(example).payload or b"null")) for example in of_types(set(INPUT))
]
STRANGE: st.SearchStrategy[JsonValue] = st.sampled_from(
    [
        None, True, False, 0, 4, 5, -1, 2026, 1.5, "", " ", "x" * 501, "2026-03-02", "2026-13-01", "2026-T4",
        "2026-03", "0.00", "1.234", "999001001", "97500", "96000", "2B033", "cpam:311", "carsat:31", "cnam",
        "cnav:ile-de-france", "request", "health", "6201Z", "1000", [], {}, ["health"], ["health", "health"],
    ]
)  # fmt: skip


def places(value: JsonValue, here: Place = ()) -> Iterator[Place]:
    """Yield where every value of a document stands."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*here, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*here, index))


def replaced(value: JsonValue, place: Place, new: JsonValue) -> JsonValue:
    """Return the document with another value at a place."""
    if not place:
        return new
    head, *rest = place
    if isinstance(value, dict):
        return {
            key: replaced(inner, tuple(rest), new) if key == head else inner for key, inner in value.items()
        }
    assert isinstance(value, list)
    return [
        replaced(inner, tuple(rest), new) if index == head else inner for index, inner in enumerate(value)
    ]


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, JsonValue]:
    """Draw a golden example with one to three values replaced, or a field too many."""
    event_type, value = draw(st.sampled_from(DATA))
    for _ in range(draw(st.integers(1, 3))):
        value = replaced(value, draw(st.sampled_from(list(places(value)))), draw(STRANGE))
    if isinstance(value, dict) and draw(st.booleans()):
        name = draw(st.sampled_from(["worker", "amount", "siret", "employees", "starts", "period"]))
        value = {**value, name: draw(STRANGE)}
    return event_type, value


@given(changed())
def test_what_the_contract_takes_the_schema_takes(event: tuple[str, JsonValue]) -> None:
    """A schema is never stricter than the gate: a producer who obeys it is not kept out by mistake."""
    event_type, data = event
    try:
        INPUT[event_type].validate_json(json.dumps(data).encode())
    except ValidationError:
        return
    Draft202012Validator(SCHEMAS[event_type]).validate(data)


# What a schema can't say: check digits, the order of two dates, dates that no calendar has.
BEYOND_A_SCHEMA = {"a SIREN", "a SIRET", "a date that is not before", "a real date", "another organism than"}


@given(changed())
def test_what_the_schema_takes_the_contract_takes_but_for_what_a_schema_cannot_say(
    event: tuple[str, JsonValue],
) -> None:
    """The gate refuses nothing that the schema allows, except for what the contract page tells."""
    event_type, data = event
    if not Draft202012Validator(SCHEMAS[event_type]).is_valid(data):
        return
    try:
        INPUT[event_type].validate_json(json.dumps(data).encode())
    except ValidationError as error:
        for found in error.errors():
            assert any(words in found["msg"] for words in BEYOND_A_SCHEMA)
