"""CloudEvents on Kafka: both modes are taken apart and put together, and nothing makes it raise."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import STRUCTURED, Headers, pack_binary, pack_structured, unpack, unpack_structured
from schemas.refusal import Refusal
from schemas.validation import validate
from tests.unit.schemas.event_parts import ATTRIBUTES, DATA, accepted

PAYLOAD = json.dumps(DATA).encode()
STRUCTURED_HEADERS = [("content-type", STRUCTURED.encode())]


def structured(**members: object) -> bytes:
    """Write an event in structured mode, with other members."""
    return json.dumps({**ATTRIBUTES, "data": DATA, **members}).encode()


def only_message(value: bytes | None, headers: Headers) -> str:
    """Return the one thing that is said of a record that is no event at all."""
    envelope = unpack(value, headers)
    result = validate(envelope)
    assert isinstance(result, Refusal)
    assert result.reason == "contract"
    ((path, message),) = result.errors
    assert path in {"", "/data"}
    return message


# --- whatever comes --------------------------------------------------------------------------------

NAMES = (
    st.sampled_from(["content-type", "ce_id", "ce_time", "ce_data", "ce_", "Ce_Id", "l233-input"]) | st.text()
)
VALUES = st.binary() | st.sampled_from(
    [b"application/cloudevents+json", b"application/cloudevents-batch+json"]
)
BODIES = st.none() | st.binary() | st.sampled_from([b"null", b"[]", b"{}", b"1", structured(), b"[" * 9_999])


@given(BODIES, st.lists(st.tuples(NAMES, VALUES)))
def test_any_record_is_an_envelope_and_then_an_event_or_a_refusal(
    value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    """A record is whatever a producer sends: it ends in one verdict with something to say."""
    result = validate(unpack(value, headers))
    assert not isinstance(result, Refusal) or result.errors


ATTRIBUTE_VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
EXTENSIONS = st.dictionaries(st.from_regex(r"x[a-z0-9]{1,10}", fullmatch=True), ATTRIBUTE_VALUES, max_size=3)
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.booleans())


@given(EXTENSIONS, OBJECTS)
def test_what_is_packed_is_unpacked_in_both_modes(
    extensions: dict[str, str], data: dict[str, int | bool]
) -> None:
    """Unknown extensions are kept, whatever they say."""
    attributes = {**ATTRIBUTES, **extensions}
    headers, value = pack_binary(attributes, json.dumps(data).encode())
    line = pack_structured(attributes, json.dumps(data).encode())
    for envelope in (unpack(value, headers), unpack_structured(line), unpack(line, STRUCTURED_HEADERS)):
        assert envelope.attributes == attributes
        assert envelope.payload is not None
        assert json.loads(envelope.payload) == data
        assert envelope.violations == ()


def test_packing_adds_what_cloudevents_demands() -> None:
    """The version and the content type are written even when the caller does not name them."""
    headers, _ = pack_binary({"id": "a1"}, b"{}")
    assert dict(headers) == {"content-type": b"application/json", "ce_specversion": b"1.0", "ce_id": b"a1"}
    assert json.loads(pack_structured({"id": "a1"}, b"{}")) == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "id": "a1",
        "data": {},
    }


def test_extensions_that_are_no_text_become_their_canonical_text() -> None:
    """As CloudEvents writes them: true, not True."""
    headers, _ = pack_binary({"retried": True, "attempt": 3}, b"{}")
    assert {"ce_retried": b"true", "ce_attempt": b"3"}.items() <= dict(headers).items()
    event = accepted(unpack_structured(structured(retried=True, attempt=3)))
    assert (event.attributes["retried"], event.attributes["attempt"]) == ("true", "3")


# --- binary mode ---------------------------------------------------------------------------------


def test_in_binary_mode_the_payload_is_what_was_received() -> None:
    """Byte for byte: white space and escapes included."""
    headers, _ = pack_binary(ATTRIBUTES, b"")
    spaced = json.dumps(DATA, indent=4).encode() + b"\n"
    assert accepted(unpack(spaced, headers)).payload == spaced


def test_headers_of_others_are_left_alone() -> None:
    headers, value = pack_binary(ATTRIBUTES, PAYLOAD)
    foreign = [("l233-rekeyed", b"1/2"), ("traceparent", b"\xff"), ("CE_ID", b"other"), *headers]
    assert unpack(value, foreign) == unpack(value, headers)


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (("ce_id", b"a2"), "/id"),
        (("content-type", b"application/json"), "/datacontenttype"),
        (("ce_note", b"\xff"), "/note"),
        (("ce_Note", b"x"), ""),
        (("ce_", b"x"), ""),
        (("ce_data", b"x"), ""),
        (("ce_" + "x" * 41, b"x"), ""),
    ],
)
def test_a_wrong_header_is_a_violation(extra: tuple[str, bytes], path: str) -> None:
    """Twice, not UTF-8, or not named as CloudEvents names attributes; the rest is still judged."""
    headers, value = pack_binary(ATTRIBUTES, PAYLOAD)
    result = validate(unpack(value, [*headers, extra]))
    assert isinstance(result, Refusal)
    assert [violation.path for violation in result.errors] == [path]


def test_a_header_without_a_value_is_a_violation() -> None:
    """Kafka allows it, and clients hand it over as None."""
    headers, value = pack_binary(ATTRIBUTES, PAYLOAD)
    without: list[tuple[str, bytes]] = [*headers, ("ce_note", None)]  # type: ignore[list-item]  # Kafka allows None
    assert [violation.path for violation in unpack(value, without).violations] == ["/note"]


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff", b'{"period": "2026-03", "period": "2026-04"}'])
def test_unreadable_data_is_a_violation_beside_those_of_the_attributes(value: bytes | None) -> None:
    """A tombstone too: on a compacted topic it would delete."""
    headers, _ = pack_binary({**ATTRIBUTES, "time": "noon"}, b"")
    envelope = unpack(value, headers)
    assert envelope.payload is None
    result = validate(envelope)
    assert isinstance(result, Refusal)
    assert {violation.path.removesuffix("/period") for violation in result.errors} == {"/data", "/time"}


# --- structured mode -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        "Application/CloudEvents+JSON",
    ],
)
def test_the_content_type_tells_the_mode(content_type: str) -> None:
    assert accepted(unpack(structured(), [("content-type", content_type.encode())])).id == "a1"


def test_the_structured_mode_wins_over_stray_headers() -> None:
    """CloudEvents: the content type decides, `ce_` headers may be a copy for brokers."""
    assert accepted(unpack(structured(), [*STRUCTURED_HEADERS, ("ce_id", b"other")])).id == "a1"


def test_data_may_come_as_base64_of_json() -> None:
    encoded = base64.b64encode(PAYLOAD).decode()
    members = {**ATTRIBUTES, "data_base64": encoded}
    assert accepted(unpack_structured(json.dumps(members).encode())).payload == PAYLOAD


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"data": DATA, "data_base64": ""}, "/data_base64"),
        ({"data_base64": 7}, "/data_base64"),
        ({"data_base64": "%%"}, "/data_base64"),
        ({"data_base64": base64.b64encode(b"<xml/>").decode()}, "/data"),
        ({}, "/data"),
        ({"data": DATA, "note": 1.5}, "/note"),
        ({"data": DATA, "note": {}}, "/note"),
        ({"data": DATA, "note": "\ud800"}, "/note"),
        ({"data": DATA, "note": 2**31}, "/note"),
        ({"data": DATA, "Note": "x"}, ""),
    ],
)
def test_a_wrong_member_is_a_violation(members: dict[str, object], path: str) -> None:
    result = validate(unpack_structured(json.dumps({**ATTRIBUTES, **members}).encode()))
    assert isinstance(result, Refusal)
    assert [violation.path for violation in result.errors] == [path]


def test_an_attribute_that_is_null_is_not_set() -> None:
    """JSON format of CloudEvents: unset attributes may be written as null."""
    event = accepted(unpack_structured(structured(correlationid=None)))
    assert event.correlationid is None
    assert "correlationid" not in event.attributes


def test_a_key_that_stands_twice_in_the_data_makes_the_data_unreadable() -> None:
    """Two readers would see two events: none of the two is taken."""
    line = structured().replace(b'"period": "2026-03"', b'"period": "2026-03", "period": "2026-04"')
    envelope = unpack_structured(line)
    assert envelope.payload is None
    assert [violation.path for violation in envelope.violations] == ["/data/period"]


def test_a_key_that_stands_twice_beside_the_data_is_a_violation() -> None:
    line = structured().replace(b'"id": "a1"', b'"id": "a0", "id": "a1"')
    envelope = unpack_structured(line)
    assert envelope.payload is not None
    assert [violation.path for violation in envelope.violations] == ["/id"]


# --- no event at all -----------------------------------------------------------------------------


def test_a_record_that_is_no_cloudevent_is_told_what_to_send() -> None:
    for headers in ([], [("content-type", b"application/json")], [("Ce_Id", b"a1")]):
        message = only_message(PAYLOAD, headers)
        assert "ce_id" in message
        assert STRUCTURED in message


@pytest.mark.parametrize(
    ("value", "content_type", "words"),
    [
        (b"[]", b"application/cloudevents-batch+json", "batch"),
        (b"[]", STRUCTURED.encode(), "batch"),
        (b"<x/>", b"application/cloudevents+xml", STRUCTURED),
        (b"7", STRUCTURED.encode(), "JSON object"),
        (b"{", STRUCTURED.encode(), "not readable at character 1"),
        (b"{" * 99_999, STRUCTURED.encode(), "not readable"),
        (b"[" * 99_999, STRUCTURED.encode(), "nested"),
        (None, STRUCTURED.encode(), "no value"),
    ],
)
def test_what_cannot_be_unpacked_is_said_in_one_sentence(
    value: bytes | None, content_type: bytes, words: str
) -> None:
    """No list of missing attributes behind it: the producer has one thing to mend first."""
    assert words in only_message(value, [("content-type", content_type)])


# --- the subject ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    ["worker:5F0C", "worker:" + "g" * 32, "worker:" + "0" * 33, "999001001", "worker:" + "0" * 32 + "\n"],
)
def test_only_a_well_formed_subject_is_one(subject: str) -> None:
    """It is the key of every record that follows."""
    envelope = unpack_structured(structured(subject=subject))
    assert envelope.subject is None
    assert unpack_structured(structured()).subject == ATTRIBUTES["subject"]
    assert unpack_structured(structured(subject=7)).subject is None
