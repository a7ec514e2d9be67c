"""The one reference of a worker for life: what producers put into `subject`, and the key they need for it.

`worker:` and the first 16 bytes of HMAC-SHA-256 of the SIREN, in hexadecimal. A natural person keeps one
SIREN for life and every producer learns it; an unkeyed hash of it could be reversed by trying all of them.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path

from stdnum.exceptions import ValidationError
from stdnum.fr import siren as siren_number

from l233.errors import BadInput
from l233.settings import Settings

REFERENCE_BYTES = 16
KEY_BYTES = 32
"""A key shorter than the output of SHA-256 would weaken it. Source: RFC 2104, section 3."""
DEVELOPMENT_KEY = b"l233: known to everybody, so for tests and demonstrations only"


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of worker references, and whether it is only the one that everybody knows."""

    content: bytes
    development: bool

    def __repr__(self) -> str:
        return f"SubjectKey(development={self.development})"


def worker_reference(siren: str, key: bytes) -> str:
    """Return the reference of the worker with this SIREN (9 digits, spaces allowed), `worker:<32 hex>`.

    Raises ValueError for what is no SIREN: other characters or length, or a wrong check digit.
    """
    try:
        digits = siren_number.validate(siren)
    except ValidationError as error:
        raise ValueError("this is no SIREN: it has 9 digits, and the last checks the others") from error
    return f"worker:{hmac.digest(key, digits.encode('ascii'), 'sha256')[:REFERENCE_BYTES].hex()}"


def configured_key(settings: Settings) -> SubjectKey:
    """Return the key that the settings name, or the development key when they name none. Raises BadInput."""
    if settings.subject_key is not None and settings.subject_key_file is not None:
        raise BadInput("L233_SUBJECT_KEY and L233_SUBJECT_KEY_FILE are both set: unset one of them")
    if settings.subject_key is not None:
        return SubjectKey(_from_hex(settings.subject_key.get_secret_value(), "L233_SUBJECT_KEY"), False)
    if settings.subject_key_file is not None:
        return SubjectKey(_from_file(settings.subject_key_file), False)
    return SubjectKey(DEVELOPMENT_KEY, True)


def remark_on(key: SubjectKey) -> str | None:
    """Return what a person must be told about a key: that anybody can make references with it, or None."""
    if not key.development:
        return None
    return "no subject key is set (L233_SUBJECT_KEY_FILE): using the development key, for tests only"


def _from_file(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"can't read the subject key in {path}: {type(error).__name__}") from error
    return _from_hex(text, str(path))


def _from_hex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise BadInput(
            f"the subject key in {where} is not hexadecimal: make one with `openssl rand -hex 32`"
        ) from None
    if len(key) < KEY_BYTES:
        raise BadInput(f"the subject key in {where} has {len(key)} bytes, and needs {KEY_BYTES} at least")
    return key
