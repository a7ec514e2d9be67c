"""Decides what is signed under a version of the scheme, and whether a signature and its key are good.

Signed is the SHA-256 of the version's text with the version's name, who signs, as what and when, in canonical
JSON (RFC 8785) behind a prefix of our own, so that a signature is good for nothing else. Ed25519 (RFC 8032).
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final

import rfc8785
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from schemas.scheme import Act, Signature

Trusted = Mapping[str, frozenset[str]]
"""Authority -> its public keys (32 bytes in hexadecimal)."""

_PREFIX: Final = b"l233 scheme signature, version 1\0"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")


class KeyUnusableError(ValueError):
    """A text that is no Ed25519 key: the message says what is expected."""


def text_hash(text: str) -> str:
    r"""Return the SHA-256 of a version's text in hexadecimal; `\r\n` counts as `\n`."""
    return sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()


def statement(scheme: str, digest: str, act: str, authority: str, at: str) -> bytes:
    """Return the bytes that an authority signs."""
    return _PREFIX + rfc8785.dumps(
        {"act": act, "at": at, "authority": authority, "scheme": scheme, "sha256": digest}
    )


def sign(key: Ed25519PrivateKey, scheme: str, digest: str, *, act: Act, authority: str, at: str) -> Signature:
    """Return the signature of an authority under the text that has this SHA-256."""
    signed = key.sign(statement(scheme, digest, act, authority, at))
    return Signature(act, authority, at, public_hex(key.public_key()), signed.hex())


def holds(signature: Signature, scheme: str, digest: str) -> bool:
    """Say whether a signature was made, with the key that it names, under this very text.

    Only lower-case hexadecimal counts, so that each signature has one writing.
    """
    if not _KEY.fullmatch(signature.key) or not _SIGNATURE.fullmatch(signature.signature):
        return False
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.key))
    try:
        said = statement(scheme, digest, signature.act, signature.authority, signature.at)
        key.verify(bytes.fromhex(signature.signature), said)
    except (InvalidSignature, rfc8785.CanonicalizationError):
        return False
    return True


def public_hex(key: Ed25519PublicKey) -> str:
    """Return the 32 bytes of a public key in hexadecimal."""
    return key.public_bytes_raw().hex()


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """Read a private key that `l233 scheme keygen` wrote. Raises KeyUnusableError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError("holds no private key in PEM: give the file NAME.private.pem") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusableError("holds another kind of key: an Ed25519 one is needed (l233 scheme keygen)")
    return key


def public_key(pem: bytes) -> str:
    """Read a public key, in hexadecimal. Raises KeyUnusableError."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError("holds no public key in PEM: give the file NAME.public.pem") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusableError("holds another kind of key: an Ed25519 one is needed (l233 scheme keygen)")
    return public_hex(key)


def trust(keys: Mapping[str, str]) -> Trusted:
    """Return whom to trust, given authority -> public key in PEM. Raises KeyUnusableError."""
    return MappingProxyType(
        {authority: frozenset({public_key(pem.encode())}) for authority, pem in keys.items()}
    )
