"""What a record looks like whose personal fields are veiled: which fields of which type, and where.

A veiled field is a JSON string in the place of its value: `veiled:`, and in the first of a record base64 of
what they all say, encrypted. The record says so itself by the header `l233-veiled`, so that nobody's text can
be taken for one. Everything else stays as it was, byte for byte.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from json import JSONEncoder
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]  # as the decoder reads a name
from types import MappingProxyType
from typing import Final

from pydantic_core import from_json

from schemas import records
from schemas.attributes import RULES
from schemas.emitted import EMITTED
from schemas.envelope import PREFIX
from schemas.events import type_of
from schemas.inputs import INPUTS
from schemas.marks import personal_fields

VEILED_HEADER: Final = "l233-veiled"
"""On a record with veiled fields, last: `1`, the form they have."""
ERASED_HEADER: Final = "l233-erased"
"""On a record as it is read once its worker was erased: its veiled fields are gone for good."""
FORM: Final = b"1"
MARKER: Final = "veiled:"
_HASH: Final = '"hash":"'
_SITUATION: Final = '"situation":'
"""Neither can stand inside a text, where quotes are escaped; l233 writes no space between."""
_CANONICAL: Final = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""RFC 8785, for what a decision holds: texts and whole numbers."""
_SPACE: Final = frozenset(" \t\n\r")
_NULL: Final = "null"
_BETWEEN: Final = "\0"
"""Between values that are encrypted together: JSON can't hold it."""
_value: Final = JSONDecoder().scan_once  # type: ignore[attr-defined]  # what `raw_decode` goes by

_RECORDS: Final[Mapping[str, type]] = {
    records.DECISION_TYPE: records.Decision,
    records.DEAD_LETTER_TYPE: records.DeadLetter,
    records.ACCOUNT_TYPE: records.AccountReleased,
}

FIELDS: Final[Mapping[bytes, Mapping[str, str]]] = MappingProxyType(
    {
        type_.encode(): MappingProxyType(found)
        for type_, model in {
            **{type_of(name): model for name, model in {**EMITTED, **INPUTS}.items()},
            **_RECORDS,
        }.items()
        if (found := personal_fields(model))
    }
)
"""CloudEvents type -> its personal fields, and the JSON that is read in the place of each once erased."""

_HASHED: Final = frozenset({records.DECISION_TYPE.encode()})
_FROM_OUTSIDE: Final = frozenset(type_of(name).encode() for name in INPUTS)
_KNOWN: Final = frozenset(PREFIX + name for name in RULES)

Span = tuple[str, int, int]
"""A member of a JSON object: its name, and where the text of its value begins and ends."""


def members(text: str) -> Iterator[Span]:
    """Yield the members of a JSON object. Raises ValueError for a text that is none."""
    at = _after_space(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not a JSON object")
    at = _after_space(text, at + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        at = _after_space(text, (at if text[at] == ":" else _after_space(text, at)) + 1)
        end = _value(text, at)[1]
        yield name, at, end
        at = end if text[end] in ",}" else _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACE:
        at += 1
    return at


def _personal(type_: bytes, text: str) -> list[Span]:
    fields = FIELDS[type_]
    found = _in_a_decision(text) if type_ in _HASHED else members(text)
    return [span for span in found if span[0] in fields and text[span[1] : span[2]] != _NULL]


def _in_a_decision(text: str) -> Iterator[Span]:
    """Yield the one personal field of a decision: it is on the path of every event, nothing else is read."""
    start = text.find(_SITUATION) + len(_SITUATION)
    if start >= len(_SITUATION):
        yield "situation", start, _value(text, start)[1]


def _put(text: str, spans: Sequence[Span], values: Sequence[str]) -> str:
    """Return a text with other values in some places; everything else as it was."""
    parts, done = [], 0
    for (_, start, end), value in zip(spans, values, strict=True):
        parts += [text[done:start], value]
        done = end
    return "".join((*parts, text[done:]))


def veiled(type_: bytes, payload: bytes, seal: Callable[[bytes], bytes]) -> bytes:
    """Return a payload with its personal fields veiled, itself if it has none; `seal` encrypts them together.

    The first of them holds what is encrypted, the others only the marker. A hash over plain fields would tell
    what they are to whoever tries: a decision's is made anew over what is written, the other is encrypted.
    """
    text = payload.decode()
    spans = _personal(type_, text)
    if not spans:
        return payload
    plain = [text[start:end] for _, start, end in spans]
    if hashed := _is_hashed(type_, text):
        plain.append(text[slice(*_hash_in(text))])
    box = b64encode(seal(_BETWEEN.join(plain).encode())).decode()
    written = _put(text, spans, [f'"{MARKER}{box}"', *[f'"{MARKER}"'] * (len(spans) - 1)])
    return (_hashed_anew(written) if hashed else written).encode()


def unveiled(type_: bytes, payload: bytes, unseal: Callable[[bytes], bytes]) -> bytes:
    """Return a payload as it was before it was veiled, byte for byte. Raises ValueError for altered ones."""
    text = payload.decode()
    spans = _personal(type_, text)
    if not spans:
        return payload
    _, start, end = spans[0]
    plain = unseal(b64decode(text[start + 1 + len(MARKER) : end - 1], validate=True)).decode().split(_BETWEEN)
    if _is_hashed(type_, text):
        start, end = _hash_in(text)
        text = text[:start] + plain.pop() + text[end:]
    return _put(text, spans, plain).encode()


def _is_hashed(type_: bytes, text: str) -> bool:
    return type_ in _HASHED and _HASH in text  # an older version wrote decisions without


def _hash_in(text: str) -> tuple[int, int]:
    """Return where a decision tells its hash: after its other fields, under a name that no text can hold."""
    start = text.rindex(_HASH) + len(_HASH)
    return start, text.index('"', start)


def _hashed_anew(text: str) -> str:
    said = from_json(text)
    del said["hash"]
    start, end = _hash_in(text)
    return text[:start] + sha256(_CANONICAL(said).encode()).hexdigest() + text[end:]


def without_personal(type_: bytes, payload: bytes) -> bytes:
    """Return a payload as it is read once its worker was erased."""
    text, fields = payload.decode(), FIELDS[type_]
    spans = _personal(type_, text)
    return _put(text, spans, [fields[name] for name, _, _ in spans]).encode()


def tells(type_: bytes, payload: bytes) -> bool:
    """Say whether a payload has personal fields that are not null."""
    return bool(_personal(type_, payload.decode()))


def is_unheard_of(type_: bytes, header: str) -> bool:
    """Say whether a header holds an extension that a producer thought of: it may tell anything."""
    return type_ in _FROM_OUTSIDE and header.startswith(PREFIX) and header not in _KNOWN
