"""Decides whether an unpacked record keeps its contract: an `Event`, or a refusal with every violation.

Two of the reasons are given here, `unknown_type` and `contract`; personal data and allowed sources are looked
at apart, so that intake can keep the public order of reasons.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, cast

from pydantic import ValidationError

from schemas.attributes import attribute_text, attribute_violations
from schemas.envelope import Envelope
from schemas.events import EventData
from schemas.follow_ups import FOLLOW_UPS
from schemas.inputs import EVENT_NAMES, INPUTS
from schemas.refusal import Refusal, Violation, listed, pointer
from schemas.strict_json import write
from schemas.types import parse_time


class Event(NamedTuple):
    """An event that keeps its contract."""

    id: str
    source: str
    type: str
    """The CloudEvents type, such as `fr.l233.contribution.paid.v1`."""
    name: str
    """The name within it, such as `contribution.paid`."""
    subject: str
    time: datetime
    """When it happened; aware."""
    data: EventData
    payload: bytes
    """The JSON bytes of the data, in binary mode as received."""
    correlationid: str | None
    """The case that the event says it belongs to."""
    causationid: str | None
    attributes: Mapping[str, str]
    """Every CloudEvents attribute, unknown extensions included, as text."""


_VALIDATORS: Final = {name: model.__pydantic_validator__ for name, model in INPUTS.items()}
_UNKNOWN_TYPE = Violation("/type", "expected a type and version that l233 takes in: see schemas/published")
_NO_DATA = Violation("/data", "expected data: there is none")
_NO_CASE = Violation(
    "/correlationid", "this attribute is required: the case that is meant, as its receipt names it"
)


def read_payload(name: str, payload: bytes) -> EventData:
    """Read the data of an event; several agents read the same one soon after another.

    Raises `pydantic.ValidationError` for data that break the contract of their type.
    """
    return _kept(name, payload) if len(payload) <= _SMALL else _read(name, payload)


def _read(name: str, payload: bytes) -> EventData:
    return cast("EventData", _VALIDATORS[name].validate_json(payload))


_kept = lru_cache(maxsize=1_024)(_read)
_SMALL: Final = 4_096
"""Bytes of data that are worth keeping: nearly all are a few hundred."""


def validate(envelope: Envelope) -> Event | Refusal:
    """Judge an envelope by the contract of its type; every violation is listed, never only the first."""
    attributes = envelope.attributes
    if not attributes and envelope.violations:  # not an event at all: there is nothing else to judge
        return Refusal("contract", listed(envelope.violations))
    violations = [*envelope.violations, *attribute_violations(attributes)]
    event_type = attributes.get("type")
    name = EVENT_NAMES.get(event_type) if isinstance(event_type, str) else None
    if name is None and isinstance(event_type, str) and event_type:
        return Refusal("unknown_type", listed((_UNKNOWN_TYPE, *violations)))
    if name in FOLLOW_UPS and "correlationid" not in attributes:
        violations.append(_NO_CASE)
    data = _data(name, envelope.payload, violations)
    if name is None or data is None or violations:
        return Refusal("contract", listed(violations))
    return _event(name, data, envelope)


def _data(name: str | None, payload: bytes | None, violations: list[Violation]) -> EventData | None:
    if payload is None:
        if not any(violation.concerns_data for violation in violations):
            violations.append(_NO_DATA)
        return None
    if name is None:  # no contract to compare with
        return None
    try:
        return read_payload(name, payload)
    except ValidationError as error:
        violations.extend(_data_violations(error))
        return None


def read_data(
    name: str, data: Mapping[str, object], violations: list[Violation], *where: str
) -> EventData | None:
    """Judge data inside the data of another event, at `where` in it, by the contract of an event type.

    What is wrong is added to `violations`, with paths that begin with `/data` and `where`; then it is None.
    """
    try:
        return cast("EventData", _VALIDATORS[name].validate_json(write(data)))
    except ValidationError as error:
        violations.extend(_data_violations(error, *where))
        return None


def _event(name: str, data: EventData, envelope: Envelope) -> Event:
    attributes = {key: attribute_text(value) for key, value in envelope.attributes.items()}
    time = parse_time(attributes["time"])
    assert time is not None and envelope.payload is not None  # noqa: S101, PT018 - validated above
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        name=name,
        subject=attributes["subject"],
        time=time,
        data=data,
        payload=envelope.payload,
        correlationid=attributes.get("correlationid"),
        causationid=attributes.get("causationid"),
        attributes=attributes,
    )


_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "this field is required",
    "extra_forbidden": "unknown field: the contract of this type does not have it",
    "model_type": "expected a JSON object",
    "dict_type": "expected a JSON object",
    "string_type": "expected a string",
    "tuple_type": "expected a list",
    "too_short": "expected at least one value",
    "json_invalid": "expected JSON that every reader understands alike",
}
"""pydantic error -> what is expected. The other types carry their own message: see `schemas.types`."""


def _data_violations(error: ValidationError, *where: str) -> Iterator[Violation]:
    for found in error.errors(include_url=False, include_input=False):
        kind = found["type"]
        if kind == "literal_error":
            message = f"expected {found['ctx']['expected']}"
        elif kind in {"expectation", "repetition"}:
            message = found["msg"]
        else:
            message = _MESSAGES.get(kind, f"expected another value ({kind})")
        yield Violation(pointer("data", *where, *found["loc"]), message)
