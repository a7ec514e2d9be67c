"""A record keeps its contract or is refused with everything that is wrong, attributes and data together."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas.events import ContributionPaid, type_of
from schemas.follow_ups import FOLLOW_UPS
from schemas.inputs import INPUTS
from schemas.refusal import MOST_VIOLATIONS, Refusal
from schemas.strict_json import JsonValue
from schemas.validation import validate
from tests.unit.schemas.event_parts import ATTRIBUTES, DATA, accepted, binary, of_type, raw, refused_paths

WORKER: Final = {"siren": "999001001", "residence": "31555", "establishment": "31069"}


def test_an_event_is_what_was_said() -> None:
    event = accepted(binary({**DATA, "worker": WORKER}, correlationid="case-1", causationid="a0", note="x"))
    assert (event.id, event.source, event.subject) == ("a1", "urn:fr:urssaf", ATTRIBUTES["subject"])
    assert (event.type, event.name) == ("fr.l233.contribution.paid.v1", "contribution.paid")
    assert event.time == datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert (event.correlationid, event.causationid) == ("case-1", "a0")
    assert event.attributes == {**ATTRIBUTES, "correlationid": "case-1", "causationid": "a0", "note": "x"}
    assert isinstance(event.data, ContributionPaid)
    assert event.data.worker is not None
    assert event.data.worker.residence == "31555"
    assert json.loads(event.payload) == {**DATA, "worker": WORKER}


def test_an_event_without_worker_block_has_none() -> None:
    event = accepted(binary())
    assert (event.data.worker, event.correlationid, event.causationid) == (None, None, None)


# --- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
def test_a_required_attribute_is_asked_for(name: str) -> None:
    """Without a type nothing else can be compared; the data must be there all the same."""
    envelope = binary()
    without = {key: value for key, value in envelope.attributes.items() if key != name}
    result = validate(schemas.Envelope(without, envelope.payload, ()))
    assert isinstance(result, Refusal)
    assert result.reason == "contract"
    ((path, message),) = result.errors
    assert path == f"/{name}"
    assert "required" in message


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("specversion", "0.3"),
        ("id", ""),
        ("id", "x" * 257),
        ("id", "a\x00b"),
        ("source", ""),
        ("source", "x" * 257),
        ("source", "a\nb"),
        ("type", ""),
        ("subject", "worker:" + "A" * 32),
        ("subject", "worker:" + "a" * 32 + "\n"),
        ("time", "2026-03-02T09:30:00"),
        ("recordedtime", "yesterday"),
        ("correlationid", ""),
        ("correlationid", "x" * 129),
        ("causationid", ""),
        ("sequence", ""),
        ("traceparent", "\x07"),
        ("dataclassification", ""),
        ("datacontenttype", "text/json"),
        ("datacontenttype", "application/json; charset=latin-1"),
        ("note", "a\x1bb"),
    ],
)
def test_a_wrong_attribute_is_a_violation(name: str, wrong: str) -> None:
    assert refused_paths(binary(**{name: wrong})) == [f"/{name}"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_is_told_in_several_ways(content_type: str) -> None:
    accepted(binary(datacontenttype=content_type))


@pytest.mark.parametrize("name", ["id", "source"])
def test_the_longest_names_are_taken(name: str) -> None:
    accepted(binary(**{name: "é" * 256}))


@pytest.mark.parametrize(
    "event_type",
    [
        "fr.l233.contribution.paid.v2",
        "fr.l233.contribution.paid",
        "fr.l233.contribution.refunded.v1",
        "fr.l233.Contribution.Paid.v1",
        "fr.l233.decision.v1",
        "fr.l233.acknowledgement.received.v1",
        "com.example.other",
    ],
)
def test_an_unknown_type_is_told_with_whatever_else_is_wrong(event_type: str) -> None:
    """Name or major version: the reason is `unknown_type`, which comes before `contract`."""
    result = validate(binary(type=event_type, time="noon"))
    assert isinstance(result, Refusal)
    assert result.reason == "unknown_type"
    assert [violation.path for violation in result.errors] == ["/type", "/time"]


# --- data ----------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_listed() -> None:
    """Packaging, attributes and data, however deep."""
    headers = [*binary_headers(time="noon", subject="me"), ("ce_note", b"\xff")]
    payload = json.dumps({"worker": {**WORKER, "siren": "999001002", "age": 41}, "paid": 1}).encode()
    assert set(refused_paths(schemas.unpack(payload, headers))) == {
        "/note",
        "/subject",
        "/time",
        "/data/worker/siren",
        "/data/worker/age",
        "/data/period",
        "/data/paid",
        "/data/due",
        "/data/base",
    }


def binary_headers(**attributes: str) -> list[tuple[str, bytes]]:
    """Write the headers of a record in binary mode."""
    return schemas.pack_binary({**ATTRIBUTES, **attributes}, b"")[0]


@pytest.mark.parametrize("data", [None, [], "x", 7, True])
def test_data_that_is_no_object_is_a_violation(data: object) -> None:
    assert refused_paths(binary(data)) == ["/data"]


def test_deep_data_that_only_one_of_our_readers_takes_is_a_violation() -> None:
    """Nested deeper than pydantic reads, less deep than Python does."""
    assert refused_paths(raw(b'{"period":' + b"[" * 400 + b"]" * 400 + b"}"))[0].startswith("/data")


def test_a_lone_surrogate_in_the_data_is_a_violation() -> None:
    data = {"place": "\ud800", "subject": "other", "received_by": "cpam:311"}
    assert refused_paths(of_type("appointment.requested", data)) == ["/data"]


@pytest.mark.parametrize("name", INPUTS)
def test_optional_fields_may_be_absent_but_not_null(name: str) -> None:
    """Null says nothing that absence does not say better."""
    model = INPUTS[name]
    optional = [key for key, field in model.model_fields.items() if not field.is_required()]
    nulls = refused_paths(of_type(name, dict.fromkeys(optional)))
    assert {f"/data/{key}" for key in optional} <= set(nulls)
    absent = refused_paths(of_type(name, {}))
    assert not {f"/data/{key}" for key in optional} & set(absent)


@pytest.mark.parametrize("name", ["activity.registered", "territory.changed"])
def test_the_events_that_set_a_situation_need_the_worker(name: str) -> None:
    assert "/data/worker" in refused_paths(of_type(name, {}))


@pytest.mark.parametrize("name", ["sick-leave.received", "maternity.declared"])
def test_an_end_may_be_the_start_but_not_before(name: str) -> None:
    """Compared only when both are dates; the violation stands at `ends`."""
    accepted(of_type(name, {"starts": "2026-03-02", "ends": "2026-03-02"}))
    assert refused_paths(of_type(name, {"starts": "2026-03-02", "ends": "2026-03-01"})) == ["/data/ends"]
    assert refused_paths(of_type(name, {"starts": "x", "ends": "2026-03-01"})) == ["/data/starts"]


@pytest.mark.parametrize("name", FOLLOW_UPS)
def test_a_follow_up_names_its_case(name: str) -> None:
    """Without `correlationid` nobody knows what it is about; the events of the table need none."""
    assert refused_paths(of_type(name, {}))[0] == "/correlationid"
    assert "/correlationid" not in refused_paths(binary({}, type=type_of(name), correlationid="case-1"))


@pytest.mark.parametrize("name", ["case.clarified", "case.forwarded"])
def test_no_organism_asks_or_forwards_to_itself(name: str) -> None:
    data = {"organism": "cpam:311", "to": "cpam:311", **({"text": "?"} if name == "case.clarified" else {})}
    assert refused_paths(binary(data, type=type_of(name), correlationid="case-1")) == ["/data/to"]


def test_what_corrects_an_event_is_an_object_of_any_content() -> None:
    """Which contract it must keep depends on the event that is corrected: intake looks."""
    said = {"event": "a1", "source": "urn:fr:urssaf", "data": {"paid": ["206.00", {"period": 7}]}}
    event = accepted(binary(said, type=type_of("case.updated"), correlationid="case-1"))
    assert json.loads(event.data.to_json()) == said


def test_departements_outside_the_scheme_are_valid() -> None:
    """Mayotte, Saint-Barthélemy, Saint-Pierre-et-Miquelon: known, though nobody of L233-1 serves them."""
    for commune in ("97608", "97701", "97502"):
        accepted(binary({**DATA, "worker": {**WORKER, "residence": commune, "establishment": commune}}))


MARKER: Final = "Zoé Inventée"
STRANGE: st.SearchStrategy[JsonValue] = st.sampled_from(
    [
        MARKER,
        [MARKER],
        {MARKER: MARKER},
        {"name": MARKER},
        None,
        7,
        [],
        True,
        [MARKER, MARKER],
        {"siren": MARKER},
    ]
)


@given(st.sampled_from(sorted(INPUTS)), st.data())
def test_no_refusal_repeats_what_was_sent(name: str, data: st.DataObject) -> None:
    """A wrong value or name of a field may be personal; and every message is one of ours."""
    keys = [*INPUTS[name].model_fields, MARKER]
    sent = data.draw(st.dictionaries(st.sampled_from(keys), STRANGE, min_size=1))
    wrong = data.draw(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), st.just(MARKER)))
    result = validate(binary(sent, **{**wrong, "type": type_of(name)}))
    assert isinstance(result, Refusal)
    for violation in result.errors:
        assert "Zo" not in violation.path + violation.message
        assert violation.message.startswith(
            ("expected", "unknown field", "this field is", "this attribute is")
        )
        assert "expected another value" not in violation.message


def test_a_flood_of_violations_is_bounded() -> None:
    """A megabyte of unknown fields makes a refusal that still fits into a record."""
    payload = json.dumps({f"field{number}": 0 for number in range(60_000)}).encode()
    assert len(refused_paths(raw(payload))) == MOST_VIOLATIONS + 1


def test_the_package_says_what_it_offers() -> None:
    """Names in `__all__` exist; the law's data files are read, not imported."""
    assert all(hasattr(schemas, name) for name in schemas.__all__)
    for path in Path(schemas.__file__).parent.glob("*.py"):
        assert "import scheme\n" not in path.read_text(encoding="utf-8")
