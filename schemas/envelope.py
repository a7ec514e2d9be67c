"""CloudEvents 1.0 on Kafka: takes a record apart and puts one together, in both content modes.

Binary: attributes in headers `ce_*`, `content-type` for `datacontenttype`, the value is the data.
Structured: header `content-type: application/cloudevents+json`, the value is the whole event. A batch does
not exist on Kafka. Taking apart never raises: what is wrong becomes a violation, and the rest is still read.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas.attributes import Attribute, attribute_text
from schemas.refusal import Violation, pointer
from schemas.strict_json import JsonValue, RepeatedKeyError, UnreadableJsonError, read, write

Headers = Sequence[tuple[str, bytes]]
"""The headers of a record, as aiokafka gives and takes them."""

STRUCTURED: Final = "application/cloudevents+json"
JSON: Final = "application/json"
BATCH: Final = "application/cloudevents-batch"
CONTENT_TYPE: Final = "content-type"
PREFIX: Final = "ce_"

_SUBJECT = re.compile(r"worker:[0-9a-f]{32}\Z")
_NAME = re.compile(r"[a-z0-9]{1,40}\Z")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NAME_EXPECTED = "expected attribute names of lower-case letters and digits, at most 40"
_USUAL: Final = {CONTENT_TYPE: "datacontenttype"} | {
    PREFIX + attribute: attribute
    for attribute in (
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "recordedtime",
        "correlationid",
        "causationid",
    )
}
_HEADERS: Final = {attribute: header for header, attribute in _USUAL.items() if header != CONTENT_TYPE}
_JSON: Final = (CONTENT_TYPE, JSON.encode())
_VERSION: Final = (PREFIX + "specversion", b"1.0")
_NO_CLOUDEVENT = Violation(
    "",
    f"expected a CloudEvent: headers {PREFIX}id, {PREFIX}source, {PREFIX}type… with the data as the value, "
    f"or the header {CONTENT_TYPE}: {STRUCTURED} with the whole event as the value",
)
_NO_BATCH = Violation("", "expected one event in a record: batches do not exist on Kafka")
_NO_VALUE = Violation("/data", "expected data: the record has no value")


class Envelope(NamedTuple):
    """A record taken apart: the CloudEvents attributes, the data as JSON bytes, and what was wrong so far."""

    attributes: Mapping[str, Attribute]
    payload: bytes | None
    """The JSON bytes of the data, in binary mode as received; None when absent or unreadable."""
    violations: tuple[Violation, ...]

    @property
    def subject(self) -> str | None:
        """The worker reference, only when it is well formed."""
        subject = self.attributes.get("subject")
        return subject if isinstance(subject, str) and _SUBJECT.match(subject) else None


def unpack(value: bytes | None, headers: Headers) -> Envelope:
    """Take a Kafka record apart, whatever its bytes; never raises."""
    violations: list[Violation] = []
    found = _from_headers(headers, violations)
    media_type = _media_type(found.get("datacontenttype", ""))
    if media_type.startswith(BATCH):
        return Envelope({}, None, (_NO_BATCH,))
    if media_type.startswith("application/cloudevents"):
        return _structured(value, media_type)
    if not found.keys() - {"datacontenttype"} and not violations:
        return Envelope({}, None, (_NO_CLOUDEVENT,))
    return Envelope(found, _binary_data(value, violations), tuple(violations))


def _from_headers(headers: Headers, violations: list[Violation]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, raw in headers:
        attribute = _USUAL.get(name)
        if attribute is None:
            if not name.startswith(PREFIX):
                continue
            attribute = name.removeprefix(PREFIX)
            if _NAME.match(attribute) is None or attribute == "data":
                violations.append(Violation("", _NAME_EXPECTED))
                continue
        if attribute in found:
            violations.append(Violation(f"/{attribute}", "expected the attribute once"))
            continue
        try:
            found[attribute] = raw.decode("utf-8")
        except UnicodeDecodeError:
            violations.append(Violation(f"/{attribute}", "expected UTF-8"))
        except AttributeError:  # Kafka allows a header without a value
            violations.append(Violation(f"/{attribute}", "expected a value: the header has none"))
    return found


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _binary_data(value: bytes | None, violations: list[Violation]) -> bytes | None:
    if value is None:
        violations.append(_NO_VALUE)
        return None
    return value if _is_strict_json(value, violations) else None


def _is_strict_json(text: bytes, violations: list[Violation]) -> bool:
    try:
        read(text)
    except RepeatedKeyError as error:
        violations.extend(Violation(pointer("data", *place), str(error)) for place in error.places)
        return False
    except UnreadableJsonError as error:
        violations.append(Violation("/data", str(error)))
        return False
    return True


def unpack_structured(line: bytes) -> Envelope:
    """Take one event in structured JSON apart, such as a line of a file; never raises."""
    return _structured(line, STRUCTURED)


def _structured(value: bytes | None, media_type: str) -> Envelope:
    if media_type != STRUCTURED:
        return Envelope({}, None, (Violation("", f"expected {STRUCTURED}: no other event format is read"),))
    if value is None:
        return Envelope({}, None, (_NO_VALUE,))
    violations: list[Violation] = []
    try:
        event = read(value)
    except RepeatedKeyError as error:
        event = error.value
        violations.extend(Violation(pointer(*place), str(error)) for place in error.places)
    except UnreadableJsonError as error:
        return Envelope({}, None, (Violation("", str(error)),))
    if isinstance(event, list):
        return Envelope({}, None, (_NO_BATCH,))
    if not isinstance(event, dict):
        return Envelope({}, None, (Violation("", "expected a JSON object: one CloudEvent"),))
    payload = _structured_data(event, violations)
    if violations and any(violation.concerns_data for violation in violations):
        payload = None
    return Envelope(_structured_attributes(event, violations), payload, tuple(violations))


def _structured_attributes(event: dict[str, JsonValue], violations: list[Violation]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for name, value in event.items():
        if name in {"data", "data_base64"} or value is None:  # null means not set (JSON format §2.2)
            continue
        if name not in _HEADERS and _NAME.match(name) is None:
            violations.append(Violation("", _NAME_EXPECTED))
        elif isinstance(value, str) and not value.isascii() and _LONE_SURROGATE.search(value):
            violations.append(Violation(pointer(name), "expected Unicode text: no half of a surrogate pair"))
        elif isinstance(value, str | int):  # booleans are integers here
            found[name] = value
        else:
            violations.append(Violation(pointer(name), "expected a string, an integer or a boolean"))
    return found


def _structured_data(event: dict[str, JsonValue], violations: list[Violation]) -> bytes | None:
    if "data_base64" not in event:
        return write(event["data"]) if "data" in event else None
    if "data" in event:
        violations.append(Violation("/data_base64", "expected either data or data_base64"))
        return None
    encoded = event["data_base64"]
    try:
        payload = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else None
    except ValueError:
        payload = None
    if payload is None:
        violations.append(Violation("/data_base64", "expected base64"))
        return None
    return payload if _is_strict_json(payload, violations) else None


def pack_binary(attributes: Mapping[str, Attribute], payload: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of a record in binary mode; `payload` is the data as JSON bytes."""
    headers = [_JSON] if "specversion" in attributes else [_JSON, _VERSION]
    for name, value in attributes.items():
        text = value if isinstance(value, str) else attribute_text(value)  # nearly always a string
        if name == "datacontenttype":
            headers[0] = (CONTENT_TYPE, text.encode())
        else:
            headers.append((_HEADERS.get(name) or PREFIX + name, text.encode()))
    return headers, payload


def pack_structured(attributes: Mapping[str, Attribute], payload: bytes) -> bytes:
    """One event in structured JSON, without line breaks of our own; `payload` is the data as JSON bytes."""
    head = write({"specversion": "1.0", "datacontenttype": "application/json", **attributes})
    return head[:-1] + b',"data":' + payload + b"}"
