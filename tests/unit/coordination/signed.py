"""Versions of the scheme and who signs them, for tests of their life."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import scheme
from coordination.lifecycle import HEADS, MINISTERS
from coordination.scheme_version import Files, Signed, read_signed, signatures_text
from coordination.signing import Trusted, private_key, sign, text_hash, trust
from schemas.scheme import Act, SchemeVersion, Signature
from tests.unit.coordination.examples import directory

KEYS: Final = Path(scheme.__file__).parent / "example_keys"
TEXT: Final = scheme.versions()["2026-01.yaml"]
TRUSTED: Final[Trusted] = trust(scheme.example_keys())
AT: Final = "2026-05-04T10:00:00+02:00"
ACT_OF: Final[dict[str, Act]] = {
    **dict.fromkeys(HEADS, "establishes"),
    **dict.fromkeys(MINISTERS, "approves"),
}


@cache
def key(authority: str) -> Ed25519PrivateKey:
    """Return the example key of an authority."""
    return private_key((KEYS / f"{authority}.EXAMPLE-PRIVATE.pem").read_bytes())


def version(name: str = "2026-07", since: str = "2026-07-01T00:00:00+02:00", until: str | None = None) -> str:
    """Return the text of a version that says what the example says, under another name and date."""
    end = "" if until is None else f"\nin_force_until: {until}"
    return TEXT.replace("scheme: 2026-01", f"scheme: {name}", 1).replace(
        "in_force: 2026-01-01T00:00:00+01:00", f"in_force: {since}{end}", 1
    )


def name_of(text: str) -> str:
    """Return the version that a text says it is."""
    return next(line for line in text.splitlines() if line.startswith("scheme: ")).removeprefix("scheme: ")


def signature(text: str, authority: str, signer: Ed25519PrivateKey | None = None) -> Signature:
    """Return an authority's signature under a text, made with its own key unless told."""
    signer = signer or key(authority)
    digest = text_hash(text)
    return sign(signer, name_of(text), digest, act=ACT_OF[authority], authority=authority, at=AT)


def all_signatures(text: str) -> tuple[Signature, ...]:
    """Return the five signatures that a text needs."""
    return tuple(signature(text, authority) for authority in (*HEADS, *MINISTERS))


def signed(text: str, signatures: Sequence[Signature] | None = None) -> Signed:
    """Return a version as it is read from next.yaml and next.signatures.json; signed by all unless told."""
    given = all_signatures(text) if signatures is None else tuple(signatures)
    blank = read_signed(Files("next.yaml", text, "next.signatures.json", None), directory())
    beside = signatures_text(blank.scheme, given)
    return read_signed(Files("next.yaml", text, "next.signatures.json", beside), directory())


def record(text: str, published: str = "2026-06-01T09:00:00+02:00") -> SchemeVersion:
    """Return a version as it is published."""
    since = next(line for line in text.splitlines() if line.startswith("in_force: "))
    return SchemeVersion(
        name_of(text),
        text_hash(text),
        since.removeprefix("in_force: "),
        published,
        text,
        all_signatures(text),
    )
