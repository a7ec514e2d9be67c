"""Finds a NIR, the social security number that no event may carry, before anything else is looked at.

A NIR is 15 characters between non-alphanumerics, single spaces inside allowed, whose key is right (read with
python-stdnum: 2A and 2B for Corsica; sex, month and place are not checked). One in 97 numbers of 15 digits
has a right key by chance and is refused too: identifiers of that shape do not belong in an event.
"""

import re
from base64 import b64decode
from typing import Final

from stdnum.fr import nir

from schemas.envelope import Envelope
from schemas.strict_json import UnreadableJsonError, read, scalars

# Fast path: an event almost never has 15 characters in a row that could belong to a NIR. French typography
# separates groups of digits by no-break spaces (U+00A0, U+202F) too: their bytes count.
_NIR_BYTES: Final = b"0123456789ABab " + "\u00a0\u202f".encode()
_MARK_NIR_BYTES: Final = bytes(ord("0") if byte in _NIR_BYTES else ord(" ") for byte in range(256))
_SUSPECT: Final = b"0" * 15

_SPACE: Final = "[ \u00a0\u202f]?"
# The lookahead lets candidates overlap: "12 1 85 …" may hide a number behind its first group.
_CANDIDATE: Final = re.compile(
    rf"(?<![^\W_])(?=([0-9](?:{_SPACE}[0-9]){{4}}{_SPACE}(?:[0-9]{_SPACE}[0-9]|2{_SPACE}[ABab])"
    rf"(?:{_SPACE}[0-9]){{8}})(?![^\W_]))"
)
_SPACES: Final = str.maketrans("", "", " \u00a0\u202f")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_BASE64: Final = re.compile(r'"data_base64"\s*:\s*"([A-Za-z0-9+/]*)')


def holds_nir(envelope: Envelope, raw: bytes | None) -> bool:
    """Tell whether the data of an event holds a NIR, in a value, a key or a bare number.

    `raw` is the value of the record: it is searched as text when the data can't be read, and so is what its
    `data_base64` encodes.
    """
    payload = envelope.payload
    if payload is None:
        return raw is not None and _unread_holds_nir(raw.decode("utf-8", errors="replace"))
    if b"\\" not in payload:
        return _SUSPECT in payload.translate(_MARK_NIR_BYTES) and _holds(payload.decode("utf-8"))
    try:
        return any(map(_holds, scalars(read(payload))))
    except UnreadableJsonError:
        return _text_holds_nir(payload.decode("utf-8", errors="replace"))


def _unread_holds_nir(text: str) -> bool:
    """Search a record that is no event: a dead letter would keep it, base64 and all."""
    return _text_holds_nir(text) or any(
        _text_holds_nir(_decoded(found[1])) for found in _BASE64.finditer(_ESCAPE.sub(_unescaped, text))
    )


def _decoded(encoded: str) -> str:
    whole = len(encoded) - (len(encoded) % 4 == 1)  # one digit of base64 alone says nothing
    return b64decode(encoded[:whole] + "==").decode("utf-8", errors="replace")


def _text_holds_nir(text: str) -> bool:
    """Search text that is no JSON: as it stands, and with what looks like a JSON escape resolved."""
    return _holds(text) or ("\\" in text and _holds(_ESCAPE.sub(_unescaped, text)))


def _unescaped(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    if code:
        return chr(int(code, 16))
    return letter if letter in '"\\/' else " "  # \n, \t and the like separate


def _holds(text: str) -> bool:
    return any(_has_right_key(found[1]) for found in _CANDIDATE.finditer(text))


def _has_right_key(candidate: str) -> bool:
    compact = candidate.translate(_SPACES).upper()
    return str(nir.calc_check_digits(compact)) == compact[13:]
