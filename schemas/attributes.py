"""What the CloudEvents attributes of an event must look like: one rule for each that the contract names.

Source: CloudEvents 1.0.2 and its registered extensions; `subject` and `type` are ours.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.refusal import Violation
from schemas.types import SUBJECT_EXPECTED, SUBJECT_PATTERN, TIME_EXPECTED, parse_time

Attribute = str | int | bool
"""The values that structured JSON can give an attribute; in binary mode all are text."""


class AttributeRule(NamedTuple):
    """When a value is right, and what to tell the producer when it is not."""

    holds: Callable[[Attribute], bool]
    expected: str


def _shaped(pattern: str, expected: str) -> AttributeRule:
    shape = re.compile(pattern)
    return AttributeRule(
        lambda value: isinstance(value, str) and shape.fullmatch(value) is not None, expected
    )


def _text(longest: int) -> AttributeRule:
    return _shaped(
        rf"[^\x00-\x1f\x7f-\x9f]{{1,{longest}}}",
        f"expected a text of 1 to {longest} characters without control characters",
    )


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _is_extension_value(value: Attribute) -> bool:
    match value:
        case bool():
            return True
        case int():
            return -(2**31) <= value < 2**31
        case str():
            return _CONTROL.search(value) is None


_TIME = AttributeRule(lambda value: isinstance(value, str) and parse_time(value) is not None, TIME_EXPECTED)

REQUIRED: Final = ("specversion", "id", "source", "type", "subject", "time")

RULES: Final[Mapping[str, AttributeRule]] = MappingProxyType(
    {
        "specversion": AttributeRule(lambda value: value == "1.0", 'expected the string "1.0"'),
        "id": _text(256),
        "source": _text(256),
        "type": _text(256),
        "subject": _shaped(SUBJECT_PATTERN.removesuffix("$"), SUBJECT_EXPECTED),
        "time": _TIME,
        "datacontenttype": _shaped(
            r"(?i:application/json)\s*(?i:;\s*charset=\"?utf-8\"?)?", "expected application/json, or nothing"
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

_EXTENSION = AttributeRule(
    _is_extension_value, "expected a text without control characters, a 32-bit integer or a boolean"
)


def attribute_violations(attributes: Mapping[str, Attribute]) -> Iterator[Violation]:
    """Compare every attribute with its rule, and find the required ones that are missing."""
    for name in REQUIRED:
        if name not in attributes:
            yield Violation(f"/{name}", "expected: this attribute is required")
    for name, value in attributes.items():
        rule = RULES.get(name, _EXTENSION)
        if not rule.holds(value):
            yield Violation(f"/{name}", rule.expected)


def attribute_text(value: Attribute) -> str:
    """Write the canonical string of an attribute (CloudEvents 1.0.2, type system)."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value
