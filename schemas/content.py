"""Decides whether two events with the same key say the same: a digest of what an event says, not how."""

import hashlib
import json
from datetime import UTC
from typing import Final

from pydantic_core import from_json

from schemas.validation import Event

DIGEST_BYTES: Final = 16
_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def content_digest(event: Event) -> bytes:
    """Digest of type, instant, case, cause and data: 16 bytes of BLAKE2b.

    The content mode, white space, the order of keys, escapes and the offset in which the time is told make no
    difference.
    """
    instant = event.time.astimezone(UTC).isoformat(timespec="microseconds")
    said = (event.type, instant, event.correlationid, event.causationid, from_json(event.payload))
    return hashlib.blake2b(_CANONICAL.encode(said).encode("utf-8"), digest_size=DIGEST_BYTES).digest()
