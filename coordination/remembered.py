"""What intake remembers of a worker: each event that it routed, and whom a case was handed through.

Stored of an event: digest and receipt, one line each for its name and the situation it was routed by, and a
last one once it is annulled. An older store holds digest and receipt alone.
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


def known_key(subject: str) -> bytes:
    """Return the key of a worker's situations."""
    return _KNOWN + subject.encode()


def handed_key(subject: str, case: str) -> bytes:
    """Return the key of the organisms that a case was handed through."""
    return _HANDED + subject.encode() + _digest(case)


def _digest(*parts: str) -> bytes:
    name = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(name, digest_size=DIGEST_BYTES).digest()


def of_event(digest: bytes, receipt_json: bytes, name: str, situation: Situation | None) -> bytes:
    """Return what is stored of an event that is routed."""
    known = b"" if situation is None else SITUATION.dump_json(situation)
    return b"\n".join((digest + receipt_json, name.encode(), known))


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


def recall(stored: bytes) -> Remembered | None:
    """Return what is remembered of an event; None when an older version stored less."""
    lines = stored[DIGEST_BYTES:].split(b"\n")
    if len(lines) < 3:
        return None
    receipt, name, known = lines[:3]
    return Remembered(
        name=name.decode(),
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
