"""What the CloudEvents attributes of an event must look like: one rule for each that the contract names.

Source: CloudEvents 1.0.2 and its registered extensions; `subject` and `type` are ours.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.refusal import Violation
from schemas.types import SUBJECT_EXPECTED, SUBJECT_PATTERN, TIME_EXPECTED, TIME_PATTERN, parse_time

Attribute = str | int | bool
"""The values that structured JSON can give an attribute; in binary mode all are text."""


class AttributeRule(NamedTuple):
    """When a value is right, what to tell the producer when it is not, and the same as JSON Schema."""

    holds: Callable[[Attribute], bool]
    expected: str
    schema: Mapping[str, str | list[str]]


def _shaped(pattern: str, expected: str) -> AttributeRule:
    shape = re.compile(pattern)
    return AttributeRule(
        lambda value: isinstance(value, str) and shape.fullmatch(value) is not None,
        expected,
        {"type": "string", "pattern": f"^{pattern}$"},
    )


def _text(longest: int) -> AttributeRule:
    return _shaped(
        rf"[^\u0000-\u001f\u007f-\u009f]{{1,{longest}}}",
        f"expected a text of 1 to {longest} characters without control characters",
    )


_CONTROL = re.compile(r"[\u0000-\u001f\u007f-\u009f]")


def _is_extension_value(value: Attribute) -> bool:
    match value:
        case bool():
            return True
        case int():
            return -(2**31) <= value < 2**31
        case str():
            return _CONTROL.search(value) is None


# Media types know no case (RFC 9110 §8.3.1); JSON is UTF-8 (RFC 8259 §8.1).
_JSON = re.compile(r'application/json *(; *charset *= *"?utf-8"?)? *', re.IGNORECASE)
_TIME = AttributeRule(
    lambda value: isinstance(value, str) and parse_time(value) is not None,
    TIME_EXPECTED,
    {"type": "string", "format": "date-time", "pattern": TIME_PATTERN},
)

REQUIRED: Final = ("specversion", "id", "source", "type", "subject", "time")
_REQUIRED: Final = frozenset(REQUIRED)

RULES: Final[Mapping[str, AttributeRule]] = MappingProxyType(
    {
        "specversion": _shaped(r"1\.0", 'expected the string "1.0"'),
        "id": _text(256),
        "source": _text(256),
        "type": _text(256),
        "subject": _shaped(SUBJECT_PATTERN.removeprefix("^").removesuffix("$"), SUBJECT_EXPECTED),
        "time": _TIME,
        "datacontenttype": AttributeRule(
            lambda value: isinstance(value, str) and _JSON.fullmatch(value) is not None,
            "expected application/json, or nothing",
            {"type": "string"},
        ),
        "dataschema": _text(2048),
        "recordedtime": _TIME,
        "correlationid": _text(128),
        "causationid": _text(128),
        "sequence": _text(128),
        "traceparent": _text(128),
        "dataclassification": _text(128),
    }
)
"""The attributes that the contract names."""

EXTENSION: Final = AttributeRule(
    _is_extension_value,
    "expected a text without control characters, a 32-bit integer or a boolean",
    {"type": ["string", "integer", "boolean", "null"]},
)
"""Any other attribute is kept as it is."""


def attribute_violations(attributes: Mapping[str, Attribute]) -> Iterator[Violation]:
    """Compare every attribute with its rule, and find the required ones that are missing."""
    if not attributes.keys() >= _REQUIRED:
        for name in REQUIRED:
            if name not in attributes:
                yield Violation(f"/{name}", f"this attribute is required: {RULES[name].expected}")
    for name, value in attributes.items():
        rule = RULES.get(name, EXTENSION)
        if not rule.holds(value):
            yield Violation(f"/{name}", rule.expected)


def attribute_text(value: Attribute) -> str:
    """Write the canonical string of an attribute (CloudEvents 1.0.2, type system)."""
    if isinstance(value, str):  # nearly always, and several times per event
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
