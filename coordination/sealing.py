"""Decides what is sealed of a record, what is signed of a checkpoint, and whether a seal and a proof hold.

An entry of a sealed log is a record as it stands in Kafka: place, key, headers and value, byte for byte. A
checkpoint names the Merkle root over the entries so far; it counts when the audit role and at least one
organism have signed it (Ed25519, RFC 8032).
"""

import base64
import binascii
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from coordination.merkle import HASH_BYTES, extends, includes, leaf_hash
from schemas.audit import PROOF_FORMAT, Checkpoint, Entry, Proof, Seal, SealedCheckpoint

AUDIT: Final = "audit"
_PREFIX: Final = b"l233 checkpoint, version 1\0"
_LENGTH: Final = struct.Struct(">i")
_NONE: Final = _LENGTH.pack(-1)
_PLACE: Final = struct.Struct(">IQ")

Keys = Mapping[str, Collection[str]]
"""Who may sign -> public keys, 32 bytes in lower-case hexadecimal."""

Fault = Literal[
    "format", "entry", "index", "path", "checkpoint", "root", "consistency", "seal", "audit_seal", "cosigners"
]


class Finding(NamedTuple):
    """What is wrong, and where: a path into what was checked, such as `/entries/3/path`."""

    where: str
    fault: Fault
    message: str


class Sealable(Protocol):
    """A record of a log as Kafka has it."""

    @property
    def topic(self) -> str: ...  # noqa: D102  the protocol's names are Kafka's own
    @property
    def partition(self) -> int: ...  # noqa: D102  as above
    @property
    def offset(self) -> int: ...  # noqa: D102  as above
    @property
    def key(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102  as above


def entry_bytes(record: Sealable) -> bytes:
    """Return the bytes of an entry: partition and offset, then each part behind its length (-1: none)."""
    length = _LENGTH.pack
    parts = [_PLACE.pack(record.partition, record.offset), _name(record.topic)]
    for content in (record.key, record.value):
        parts += (_NONE,) if content is None else (length(len(content)), content)
    for name, content in record.headers:
        parts += (_name(name), _NONE) if content is None else (_name(name), length(len(content)), content)
    return b"".join(parts)


@lru_cache
def _name(name: str) -> bytes:
    """Return a name behind its length: there are few, and every record has them."""
    encoded = name.encode()
    return _LENGTH.pack(len(encoded)) + encoded


@dataclass(frozen=True, slots=True)
class _Told:
    """A record as an entry tells it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def told(record: Sealable) -> Entry:
    """Return a record as a proof tells it."""
    return Entry(
        record.topic,
        record.partition,
        record.offset,
        None if record.key is None else _text(record.key),
        tuple((name, None if content is None else _text(content)) for name, content in record.headers),
        None if record.value is None else _text(record.value),
    )


def leaf_of(entry: Entry) -> bytes:
    """Return the leaf hash of an entry as a proof or an export tells it. Raises ValueError for bad base64."""
    headers = [(name, None if content is None else _bytes(content)) for name, content in entry.headers]
    key = None if entry.key is None else _bytes(entry.key)
    value = None if entry.value is None else _bytes(entry.value)
    return leaf_hash(entry_bytes(_Told(entry.topic, entry.partition, entry.offset, key, value, headers)))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("expected base64") from error
    if _text(found) != text:  # one writing for each content
        raise ValueError("expected base64 in its one writing")
    return found


def log_name(topic: str, partition: int) -> str:
    """Return the name of the log that a partition of a topic is."""
    return f"{topic}/{partition}"


def statement(checkpoint: Checkpoint) -> bytes:
    """Return the bytes that are signed of a checkpoint."""
    return _PREFIX + rfc8785.dumps(
        {
            "at": checkpoint.at,
            "end": checkpoint.end,
            "log": checkpoint.log,
            "root": checkpoint.root,
            "size": checkpoint.size,
        }
    )


def seal(checkpoint: Checkpoint, by: str, key: Ed25519PrivateKey) -> Seal:
    """Return the signature of `by` under a checkpoint."""
    return Seal(by, key.public_key().public_bytes_raw().hex(), key.sign(statement(checkpoint)).hex())


def holds(given: Seal, checkpoint: Checkpoint) -> bool:
    """Say whether a seal was made under this checkpoint with the key that it names."""
    try:
        key, signature = _hash_text(given.key, HASH_BYTES), _hash_text(given.signature, 2 * HASH_BYTES)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, statement(checkpoint))
    except (ValueError, InvalidSignature):
        return False
    return True


def check_seals(sealed: SealedCheckpoint, trusted: Keys, cosigners: int, where: str) -> list[Finding]:
    """Return what is wrong with the signatures under a checkpoint; empty when they count.

    Args:
        sealed: the checkpoint.
        trusted: whose keys count; a signature with another key, or by another, counts for nothing.
        cosigners: how many organisms must have signed beside the audit role.
        where: what the findings' paths begin with.
    """
    under = [holds(one, sealed.checkpoint) for one in sealed.seals]
    signed = zip(sealed.seals, under, strict=True)
    good = {one.by for one, holding in signed if holding and one.key in trusted.get(one.by, ())}
    found = [
        Finding(f"{where}/seals/{at}", "seal", f"the signature of {one.by} is not under this checkpoint")
        for at, one in enumerate(sealed.seals)
        if not under[at]
    ]
    if AUDIT not in good:
        found.append(
            Finding(f"{where}/seals", "audit_seal", "the audit role has not signed with a known key")
        )
    if len(good - {AUDIT}) < cosigners:
        found.append(
            Finding(
                f"{where}/seals", "cosigners", f"signed by {len(good - {AUDIT})} of {cosigners} organisms"
            )
        )
    return found


def goes_on(earlier: Checkpoint, sealed: SealedCheckpoint, where: str) -> list[Finding]:
    """Return what shows that a checkpoint does not go on from an earlier one of its log, its predecessor."""
    later = sealed.checkpoint
    message = f"log {later.log} of {later.size} entries does not go on from that of {earlier.size}"
    wrong = [Finding(f"{where}/consistency", "consistency", message)]
    if (earlier.log, earlier.size) != (later.log, sealed.before):
        return wrong
    if not earlier.size:
        return wrong if sealed.consistency else []
    try:
        proof = [_hash_text(step) for step in sealed.consistency]
        roots = _hash_text(earlier.root), _hash_text(later.root)
    except ValueError as error:
        return [Finding(f"{where}/consistency", "consistency", str(error))]
    return [] if extends(earlier.size, roots[0], later.size, roots[1], proof) else wrong


def check_proof(proof: Proof, trusted: Keys, cosigners: int = 1) -> list[Finding]:
    """Return everything that is wrong with a proof, each with its place; empty when it holds."""
    if proof.format != PROOF_FORMAT:
        return [Finding("/format", "format", f"expected {PROOF_FORMAT}")]
    if not proof.entries:
        return [Finding("/entries", "entry", "a proof of nothing")]
    found: list[Finding] = []
    for at, sealed in enumerate(proof.checkpoints):
        found += check_seals(sealed, trusted, cosigners, f"/checkpoints/{at}")
    for at, proven in enumerate(proof.entries):
        where = f"/entries/{at}"
        if not 0 <= proven.checkpoint < len(proof.checkpoints):
            found.append(Finding(f"{where}/checkpoint", "checkpoint", "names no checkpoint of the proof"))
            continue
        point = proof.checkpoints[proven.checkpoint].checkpoint
        if point.log != log_name(proven.entry.topic, proven.entry.partition):
            found.append(Finding(f"{where}/checkpoint", "checkpoint", f"is of another log, {point.log}"))
            continue
        try:
            leaf, root = leaf_of(proven.entry), _hash_text(point.root)
            path = [_hash_text(step) for step in proven.path]
        except ValueError as error:
            found.append(Finding(f"{where}/entry", "entry", str(error)))
            continue
        if not includes(leaf, proven.index, point.size, path, root):
            message = f"the record is not entry {proven.index} of {point.log} as it was sealed at {point.at}"
            found.append(Finding(f"{where}/path", "path", message))
    return found


def _hash_text(text: str, length: int = HASH_BYTES) -> bytes:
    """Read lower-case hexadecimal of so many bytes. Raises ValueError."""
    if len(text) != 2 * length or text != text.lower():
        raise ValueError(f"expected {length} bytes in lower-case hexadecimal")
    found = bytes.fromhex(text)
    if len(found) != length:
        raise ValueError(f"expected {length} bytes in lower-case hexadecimal")
    return found
