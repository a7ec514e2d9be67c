"""Register records become events: what is told goes through, nothing personal does, the rest is counted."""

import hmac
import json
import uuid
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.ids import NAMESPACE
from l233.rne import WHY_SKIPPED, Converted, Skipped, convert
from schemas.envelope import Envelope, pack_structured, unpack_structured
from schemas.strict_json import JsonValue
from schemas.validation import Event, validate

COMPANIES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "rne" / "companies.json").read_bytes())
"""Nine invented companies in the register's shape; everything personal in them holds the marker."""
MARKER = "ZORGLUB"


def subject(siren: str) -> str:
    return f"worker:{hmac.new(b'a key of this test', siren.encode(), 'sha256').hexdigest()[:32]}"


def event_of(record: JsonValue) -> Event:
    """Convert a record and read the event as its consumer does."""
    converted = convert(record, subject)
    assert isinstance(converted, Converted)
    event = validate(unpack_structured(pack_structured(converted.attributes, converted.payload)))
    assert isinstance(event, Event), event
    return event


GOLDEN: list[tuple[str, dict[str, Any], bool] | str] = [
    (
        "activity.registered",
        {
            "worker": {"siren": "011111119", "residence": "69123", "establishment": "38185"},
            "start": "2026-01-12",
            "legal_form": "1000",
            "ape": "4321A",
            "siret": "01111111900019",
            "micro": True,
        },
        False,
    ),
    (
        "activity.registered",
        {
            "worker": {"siren": "022222228", "residence": "75112", "establishment": "75112"},
            "start": "2026-02-01",
            "legal_form": "1000",
            "ape": "6201Z",
            "siret": "02222222800011",
            "micro": False,
        },
        True,
    ),
    (
        "activity.ceased",
        {
            "worker": {"siren": "033333337", "residence": "59350", "establishment": "59350"},
            "end": "2026-02-28",
        },
        True,
    ),
    "personneMorale",
    "exploitation",
    "foreign_address",
    "wrong_siren",
    (
        "activity.registered",
        {
            "worker": {"siren": "088888888", "residence": "97411", "establishment": "97415"},
            "start": "2025-12-31",
        },
        False,
    ),
    "no_siren",
]


@pytest.mark.parametrize(
    ("record", "expected"), list(zip(COMPANIES, GOLDEN, strict=True)), ids=range(len(GOLDEN))
)
def test_golden_companies(record: dict[str, Any], expected: tuple[str, dict[str, Any], bool] | str) -> None:
    """Each invented company gives the event, or the reason, that the register's rules demand."""
    converted = convert(record, subject)

    if isinstance(expected, str):
        assert converted == Skipped(expected)  # type: ignore[arg-type]  # a reason, by its file
        return
    name, data, assumed = expected
    assert isinstance(converted, Converted)
    assert (converted.name, json.loads(converted.payload), converted.assumed_residence) == (
        name,
        data,
        assumed,
    )
    assert converted.left_out == ()


@pytest.mark.parametrize("record", COMPANIES, ids=range(len(COMPANIES)))
def test_nothing_personal_goes_further(record: dict[str, Any]) -> None:
    """Names, streets, contacts, birth dates, the spouse's too: all of it stays behind."""
    assert MARKER in json.dumps(record)
    converted = convert(record, subject)

    assert MARKER not in repr(converted)
    assert "1971" not in repr(converted)


def test_nothing_unexpected_goes_further() -> None:
    """Even where codes are expected, a text that is put in their place stays behind."""
    record = deepcopy(COMPANIES[0])
    for holder, key in (
        (record["formality"]["content"]["natureCreation"], "formeJuridique"),
        (record["formality"]["content"]["natureCreation"], "microEntreprise"),
        (_description(record), "siret"),
        (_description(record), "codeApe"),
    ):
        holder[key] = MARKER
    converted = convert(record, subject)

    assert isinstance(converted, Converted)
    assert MARKER not in repr(converted)
    assert sorted(converted.left_out) == ["ape", "legal_form", "micro", "siret"]


def test_attributes_tell_when_the_register_told_it() -> None:
    """`time` and `recordedtime` are `updatedAt`; subject, source and id follow from the record alone."""
    event = event_of(COMPANIES[0])

    assert event.attributes["time"] == event.attributes["recordedtime"] == "2026-02-11T08:15:30+01:00"
    assert (event.subject, event.source) == (subject("011111119"), "urn:l233:rne")
    name = "rne\x1f011111119\x1f2026-02-11T07:15:30+00:00\x1factivity.registered"
    assert event.id == str(uuid.uuid5(NAMESPACE, name))


def test_the_same_instant_in_another_offset_is_the_same_event() -> None:
    """The register writes times as it likes: an event is not new because of that."""
    record = deepcopy(COMPANIES[0])
    record["updatedAt"] = "2026-02-11T07:15:30Z"

    assert event_of(record).id == event_of(COMPANIES[0]).id


def test_a_later_state_of_the_record_is_another_event() -> None:
    """An update in the register is something new to tell, and so is a cessation at the same instant."""
    later, ceased = deepcopy(COMPANIES[0]), deepcopy(COMPANIES[0])
    later["updatedAt"] = "2026-02-11T08:15:31+01:00"
    _person(ceased)["detailCessationEntreprise"] = {"dateRadiation": "2026-02-01"}

    assert len({event_of(record).id for record in (COMPANIES[0], later, ceased)}) == 3


@pytest.mark.parametrize(
    ("told", "time"),
    [
        ("2026-07-01T12:00:00", "2026-07-01T12:00:00+02:00"),
        ("2026-01-15T12:00:00", "2026-01-15T12:00:00+01:00"),
        ("2026-07-01T12:00:00+0200", "2026-07-01T12:00:00+02:00"),
        ("2026-07-01 12:00:00Z", "2026-07-01T12:00:00+00:00"),
    ],
)
def test_times_are_written_with_their_offset(told: str, time: str) -> None:
    """Without an offset it is Paris time, summer time included."""
    assert event_of({**COMPANIES[0], "updatedAt": told}).attributes["time"] == time


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2026-02-28", "2026-02-28"),
        ("2026-02-28T00:00:00+01:00", "2026-02-28"),
        ("2026-02-27T23:00:00Z", "2026-02-28"),
    ],
)
def test_a_day_told_as_a_time_is_the_day_in_paris(told: str, day: str) -> None:
    """Older entries of the register give dates as midnights."""
    record = deepcopy(COMPANIES[2])
    _person(record)["detailCessationEntreprise"]["dateRadiation"] = told

    assert json.loads(event_of(record).payload)["end"] == day


def test_records_of_the_flow_of_changes_are_unwrapped() -> None:
    """The register's interface gives `{"company": {…}}`."""
    assert event_of({"company": COMPANIES[0]}) == event_of(COMPANIES[0])


def test_siren_and_person_type_may_stand_at_the_top_only() -> None:
    """Both places are found in the register's files."""
    record = deepcopy(COMPANIES[0])
    record["typePersonne"] = record["formality"].pop("typePersonne")
    del record["formality"]["siren"]

    assert event_of(record) == event_of(COMPANIES[0])


def test_the_siret_of_another_company_is_left_out() -> None:
    """A number that does not begin with the SIREN is somebody else's."""
    record = deepcopy(COMPANIES[0])
    _description(record)["siret"] = "02222222800011"
    converted = convert(record, subject)

    assert isinstance(converted, Converted)
    assert converted.left_out == ("siret",)
    assert b"siret" not in converted.payload


def _person(record: dict[str, Any]) -> dict[str, Any]:
    found = record["formality"]["content"]["personnePhysique"]
    assert isinstance(found, dict)
    return found


def _description(record: dict[str, Any]) -> dict[str, Any]:
    found = _person(record)["etablissementPrincipal"]["descriptionEtablissement"]
    assert isinstance(found, dict)
    return found


def _home(record: dict[str, Any]) -> dict[str, Any]:
    found = _person(record)["identite"]["entrepreneur"]["adresseDomicile"]
    assert isinstance(found, dict)
    return found


def _without_addresses(record: dict[str, Any]) -> None:
    del _person(record)["adresseEntreprise"], _person(record)["etablissementPrincipal"]["adresse"]


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "not_a_record": lambda record: record.update(formality={"content": {}}),
    "no_natural_person": lambda record: record["formality"]["content"].update(personnePhysique=None),
    "personneMorale": lambda record: record["formality"].update(typePersonne="M"),
    "exploitation": lambda record: record["formality"].update(typePersonne="E"),
    "no_siren": lambda record: (record["formality"].update(siren=""), record.update(siren=None)),
    "wrong_siren": lambda record: record["formality"].update(siren="11111119"),
    "no_time": lambda record: record.pop("updatedAt"),
    "wrong_time": lambda record: record.update(updatedAt="2026-02-30T10:00:00+01:00"),
    "unclear_cessation": lambda record: _person(record).update(
        detailCessationEntreprise={"dateCessationTotaleActivite": "2026-01-31"}
    ),
    "wrong_end": lambda record: _person(record).update(
        detailCessationEntreprise={"dateRadiation": "31/01/2026"}
    ),
    "no_start": lambda record: record["formality"]["content"].pop("natureCreation"),
    "wrong_start": lambda record: record["formality"]["content"]["natureCreation"].update(
        dateCreation=20260112
    ),
    "no_business_address": _without_addresses,
    "foreign_address": lambda record: _home(record).update(codeInseeCommune="99131", codePays=None),
    "unknown_commune": lambda record: _home(record).update(codeInseeCommune="98735"),
    "contract": lambda record: record["formality"]["content"]["natureCreation"].update(
        dateCreation="1789-07-14"
    ),
}


@pytest.mark.parametrize("reason", WHY_SKIPPED)
def test_every_reason_to_skip(reason: str) -> None:
    """One thing wrong, one reason: nothing is skipped without saying why, and nothing is invented."""
    record = deepcopy(COMPANIES[0])
    SPOILT[reason](record)

    assert convert(record, subject) == Skipped(reason)  # type: ignore[arg-type]  # a key of SPOILT


def test_a_cessation_needs_no_address() -> None:
    """A closed business may have none left: what is known of the worker says whose he is."""
    record = deepcopy(COMPANIES[0])
    _without_addresses(record)
    _person(record)["detailCessationEntreprise"] = {"dateRadiation": "2026-02-01"}
    converted = convert(record, subject)

    assert isinstance(converted, Converted)
    assert converted.name == "activity.ceased"
    assert b"worker" not in converted.payload


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.data())
def test_any_value_anywhere_in_a_record_gives_a_valid_event_or_a_reason(
    value: JsonValue, data: st.DataObject
) -> None:
    """The register's fields are all optional and sometimes odd: no record stops the conversion."""
    record = deepcopy(COMPANIES[0])
    here: dict[str, Any] = record
    while True:
        key = data.draw(st.sampled_from(sorted(here)))
        if not isinstance(here[key], dict) or not here[key] or data.draw(st.integers(0, 5)) == 0:
            break
        here = here[key]
    here[key] = value
    converted = convert(record, subject)

    if isinstance(converted, Converted):
        assert isinstance(validate(Envelope(converted.attributes, converted.payload, ())), Event)


@given(JSON)
def test_what_is_no_record_at_all_is_skipped(value: JsonValue) -> None:
    """Other JSON in the file is counted, never converted."""
    assert isinstance(convert(value, subject), Skipped)
