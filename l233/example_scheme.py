"""A next version of the worked example, for demonstrations: the shipped text under another name and date.

It is signed with the example keys, of which everybody has the private part: production refuses it.
"""

from datetime import datetime
from importlib.resources import files
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import scheme
from coordination.directory import Directory
from coordination.lifecycle import SIGNATORIES
from coordination.scheme_version import Files, Signed, read_signed, signatures_text
from coordination.signing import private_key, sign, text_hash

_SHIPPED: Final = "2026-01"
_IN_FORCE: Final = "2026-01-01T00:00:00+01:00"


def next_version(name: str, in_force: datetime, signed: datetime, directory: Directory) -> Signed:
    """Return a version `name` (such as `2026-07`) in force from then on, signed and approved at `signed`.

    Raises SchemeError for a name or date that no version can have.
    """
    text = scheme.versions()[f"{_SHIPPED}.yaml"]
    text = text.replace(f"\nscheme: {_SHIPPED}\n", f"\nscheme: {name}\n", 1)
    text = text.replace(f"\nin_force: {_IN_FORCE}\n", f"\nin_force: {in_force.isoformat()}\n", 1)
    at = signed.isoformat(timespec="seconds")
    signatures = [
        sign(_key(authority), name, text_hash(text), act=act, authority=authority, at=at)
        for act, authorities in SIGNATORIES.items()
        for authority in authorities
    ]
    blank = read_signed(Files(f"{name}.yaml", text, f"{name}.signatures.json", None), directory)
    beside = signatures_text(blank.scheme, signatures)
    return read_signed(Files(f"{name}.yaml", text, f"{name}.signatures.json", beside), directory)


def _key(authority: str) -> Ed25519PrivateKey:
    folder = files(scheme).joinpath("example_keys")
    return private_key(folder.joinpath(f"{authority}.EXAMPLE-PRIVATE.pem").read_bytes())
