"""What intake remembers of a worker: each event that it routed, and whom a case was handed through.

Stored of an event: digest and receipt, then a line with its name and when it came (milliseconds), a line with
the situation it was routed by, and a last one once it is annulled. An older store holds digest and receipt
alone.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from schemas.content import DIGEST_BYTES
from schemas.records import RECEIPT, SITUATION, Receipt, Situation

_SEEN: Final = b"seen\0"
_KNOWN: Final = b"known\0"
_HANDED: Final = b"handed\0"
_ANNULLED: Final = b"\nannulled"


@dataclass(frozen=True, slots=True)
class Remembered:
    """An event that was routed."""

    name: str
    receipt: Receipt
    situation: Situation | None
    annulled: bool


def seen_key(subject: str, source: str, id_: str) -> bytes:
    """Return the key of an event: worker, then a digest of source and id."""
    return _SEEN + subject.encode() + _digest(source, id_)


def origin_of(key: bytes) -> bytes:
    """Return what tells an event from any other of its worker, from its key."""
    return key[-DIGEST_BYTES:]


def seen_prefix(subjects: str) -> bytes:
    """Return what the keys of some workers' events begin with: `subjects` begins their references."""
    return _SEEN + subjects.encode()


def known_key(subject: str) -> bytes:
    """Return the key of a worker's situations."""
    return _KNOWN + subject.encode()


def handed_key(subject: str, case: str) -> bytes:
    """Return the key of the organisms that a case was handed through."""
    return _HANDED + subject.encode() + _digest(case)


def _digest(*parts: str) -> bytes:
    name = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(name, digest_size=DIGEST_BYTES).digest()


def of_event(digest: bytes, receipt_json: bytes, name: str, situation: Situation | None, at_ms: int) -> bytes:
    """Return what is stored of an event that is routed; `at_ms` is when it came."""
    known = b"" if situation is None else SITUATION.dump_json(situation)
    return b"%b%b\n%b %d\n%b" % (digest, receipt_json, name.encode(), at_ms, known)


def annulled(stored: bytes) -> bytes:
    """Return what is stored of an event once it is annulled."""
    return stored + _ANNULLED


def digest_of(stored: bytes) -> bytes:
    """Return the digest of the event's content."""
    return stored[:DIGEST_BYTES]


def receipt_json_of(stored: bytes) -> bytes:
    """Return the receipt as it was sent."""
    end = stored.find(b"\n", DIGEST_BYTES)  # compact JSON has no line break of its own
    return stored[DIGEST_BYTES:] if end < 0 else stored[DIGEST_BYTES:end]


def routed_at(stored: bytes) -> int | None:
    """Return when an event came (milliseconds); None when an older version stored no time."""
    lines = stored[DIGEST_BYTES:].split(b"\n", 2)
    at = lines[1].partition(b" ")[2] if len(lines) > 1 else b""
    return int(at) if at else None


def recall(stored: bytes) -> Remembered | None:
    """Return what is remembered of an event; None when an older version stored less."""
    lines = stored[DIGEST_BYTES:].split(b"\n")
    if len(lines) < 3:
        return None
    receipt, name, known = lines[:3]
    return Remembered(
        name=name.partition(b" ")[0].decode(),
        receipt=RECEIPT.validate_json(receipt),
        situation=SITUATION.validate_json(known) if known else None,
        annulled=len(lines) > 3,
    )


def of_organisms(organisms: Iterable[str]) -> bytes:
    """Return what is stored of the organisms that a case was handed through."""
    return json.dumps(list(dict.fromkeys(organisms))).encode()


def organisms_of(stored: bytes | None) -> tuple[str, ...]:
    """Return the organisms that a case was handed through, in order."""
    return () if stored is None else tuple(json.loads(stored))
