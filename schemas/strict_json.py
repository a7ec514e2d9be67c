"""JSON as RFC 8259 means it: what Python's own reader lets pass, or trips over, is refused in words.

Refused: bad UTF-8, NaN and Infinity, an object key twice (a shadowed value could hide something), nesting
too deep to read, numbers of thousands of digits. Messages never repeat what was read.

    UnreadableJsonError
    └── RepeatedKeyError    readable, but two readers may see different values
"""

import json
from collections import Counter
from collections.abc import Iterator

from pydantic_core import to_json

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
Segments = tuple[str | int, ...]
"""Where a value stands in a document: keys and indexes from the top."""


class UnreadableJsonError(Exception):
    """The bytes are not strict JSON; the text says what is expected."""


class RepeatedKeyError(UnreadableJsonError):
    """An object has a key twice: `value` is what a lenient reader sees, `places` where the keys stand."""

    def __init__(self, value: JsonValue, places: tuple[Segments, ...]) -> None:
        super().__init__("expected every key of an object once")
        self.value = value
        self.places = places


class _KeyTwice(Exception):
    """A signal from inside the decoder, never seen outside."""


class _Shadowing(dict[str, JsonValue]):
    """An object in which keys stood twice."""

    repeated: tuple[str, ...] = ()


def _distinct(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _KeyTwice
    return found


def _marking(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = _Shadowing(found)
    marked.repeated = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return marked


def _no_constant(_: str) -> JsonValue:
    raise UnreadableJsonError("NaN and Infinity are not JSON: expected a number")


_STRICT = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_marking, parse_constant=_no_constant)


def read(text: bytes) -> JsonValue:
    """Parse, or raise `UnreadableJsonError` (never anything else, whatever the bytes)."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableJsonError(f"expected UTF-8: byte {error.start} is not") from None
    try:
        return _decode(_STRICT, decoded)
    except _KeyTwice:
        value = _decode(_LENIENT, decoded)
        raise RepeatedKeyError(value, tuple(_repeated(value, ()))) from None


def _decode(decoder: json.JSONDecoder, text: str) -> JsonValue:
    try:
        value: JsonValue = decoder.decode(text)
    except RecursionError:
        raise UnreadableJsonError("expected JSON that is not nested so deeply") from None
    except json.JSONDecodeError as error:
        raise UnreadableJsonError(f"expected JSON: not readable at character {error.pos}") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise UnreadableJsonError("expected numbers of less than 4300 digits") from None
    return value


def _repeated(value: JsonValue, place: Segments) -> Iterator[Segments]:
    if isinstance(value, _Shadowing):
        yield from ((*place, key) for key in value.repeated)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _repeated(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, (*place, index))


def scalars(value: JsonValue) -> Iterator[str]:
    """Walk over every string and number of a document as text, keys included."""
    pending: list[JsonValue] = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            yield from current
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
        elif current is not None:
            yield str(current)


_ASCII = json.JSONEncoder(separators=(",", ":"))


def compact_json(value: object) -> str:
    """Write what an agent remembers as compact JSON in ASCII: texts, whole numbers, lists and objects.

    The writer of pydantic is three times as fast as Python's; it leaves other letters as they are.
    """
    text = to_json(value).decode()
    return text if text.isascii() else _ASCII.encode(value)


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def write(value: object) -> bytes:
    """Write compact JSON in UTF-8; a lone surrogate, which UTF-8 can't say, stays escaped."""
    try:
        return _COMPACT.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        return _ESCAPED.encode(value).encode("ascii")
