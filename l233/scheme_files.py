"""A version of the scheme as files: `NAME.yaml`, and beside it the signatures, `NAME.signatures.json`."""

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from coordination.directory import Directory
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Files, Signed, read_signed, signatures_text
from coordination.signing import KeyUnusableError, private_key, public_hex
from l233.errors import BadInput, L233Error
from schemas.scheme import Signature

_OWNER: Final = 0o600
_ALL: Final = 0o644
SIGNATURES: Final = ".signatures.json"


def signatures_file(file: Path) -> Path:
    """Return where the signatures under a version are."""
    return file.with_name(f"{file.stem}{SIGNATURES}")


def read_files(file: Path) -> Files:
    """Read a version and what is signed of it. Raises BadInput for what is not there or no text."""
    beside = signatures_file(file)
    given = _text(beside) if beside.exists() else None
    return Files(str(file), _text(file), str(beside), given)


def read_version(file: Path, directory: Directory) -> Signed:
    """Read a version that a command is about. Raises BadInput; L233Error with its first mistake."""
    try:
        return read_signed(read_files(file), directory)
    except SchemeError as error:
        raise refused(error) from error


def refused(error: SchemeError) -> L233Error:
    """Return what a person is told of mistakes, of which there may be many, in one line."""
    first, *others = str(error).splitlines()
    more = f" (and {len(others)} more: `l233 scheme lint` and `show` list them)" if others else ""
    return L233Error(f"{first}{more}")


def write_signatures(signed: Signed, signatures: tuple[Signature, ...]) -> None:
    """Write the signatures under a version, all or nothing."""
    path = Path(signed.files.signatures_file)
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text(signatures_text(signed.scheme, signatures), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise BadInput(f"can't write {path}: {error.strerror}") from error


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key. Raises BadInput."""
    try:
        return private_key(path.read_bytes())
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}") from error
    except KeyUnusableError as error:
        raise BadInput(f"{path} {error}") from error


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that does not exist yet, with these rights from its first byte on. Raises BadInput."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise BadInput(f"{path} exists: a key is never overwritten; move it away or choose --to") from error
    except OSError as error:
        raise BadInput(f"can't write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def write_pair(name: str, to: Path) -> tuple[Path, Path, str]:
    """Make a pair of keys, NAME.private.pem for its owner alone and NAME.public.pem; return the public one.

    Raises BadInput where one is already.
    """
    key = Ed25519PrivateKey.generate()
    private, public = to / f"{name}.private.pem", to / f"{name}.public.pem"
    if public.exists():
        raise BadInput(f"{public} exists: a key is never overwritten; move it away or choose --to")
    write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _OWNER)
    write_new(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), _ALL)
    return private, public, public_hex(key.public_key())


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text (byte {error.start}): save it as UTF-8") from error
