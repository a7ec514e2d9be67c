"""Decides the identity of everything that is emitted: UUIDv5, so that a re-execution writes the same ids.

The namespace is fixed for ever. Parts are joined with a character that no CloudEvents attribute may hold.
"""

from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from hashlib import _Hash

NAMESPACE: Final = UUID("4a6f1d0c-2c0b-5e0e-9d5a-2f6b3c1de233")
_NAMESPACE_BYTES: Final = NAMESPACE.bytes
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The first digit of the fourth group says by its two high bits that this is a UUID of RFC 9562."""


def uuid5(*parts: str) -> str:
    r"""Return the UUIDv5 of the parts, as text.

    The same value as `uuid.uuid5(NAMESPACE, "\x1f".join(parts))`, without building a UUID: it is on the path
    of every event, several times.
    """
    name = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return _as_uuid(sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest())


def _as_uuid(digits: str) -> str:
    return (
        f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"
    )


class Identified(Protocol):
    """An event, by what makes it one: the duplicate key."""

    @property
    def source(self) -> str:
        """Who produced it."""

    @property
    def id(self) -> str:
        """Its id at the source."""

    @property
    def subject(self) -> str:
        """Whom it concerns."""


def case_id(event: Identified, correlationid: str | None) -> str:
    """Return the case that an event joins (`correlationid`), or the case that it opens.

    The subject is part of it, as it is of the duplicate key: one worker's case is never another's.
    """
    if correlationid is not None:
        return correlationid
    return uuid5("case", event.source, event.id, event.subject)


def emitted_id(event: Identified, scheme: str, rule: str, organism: str, step: str) -> str:
    """Return the id of what `organism` emits at `step` because of an event that `rule` of `scheme` routed."""
    told = _told_of(event.source, event.id, event.subject, scheme, rule).copy()
    told.update(f"{organism}\x1f{step}".encode("utf-8", "surrogatepass"))
    return _as_uuid(told.hexdigest())


@lru_cache(maxsize=256)
def _told_of(*parts: str) -> "_Hash":
    """Return the digest so far of all ids of what is emitted because of an event: they begin alike."""
    name = "\x1f".join(("emitted", *parts, "")).encode("utf-8", "surrogatepass")
    return sha1(_NAMESPACE_BYTES + name, usedforsecurity=False)


def decision_id(event: Identified, scheme: str, rule: str) -> str:
    """Return the id of the decision on an event."""
    return uuid5("decision", event.source, event.id, event.subject, scheme, rule)


def receipt_id(event: Identified, scheme: str, rule: str) -> str:
    """Return the id of the receipt that tells the producer that its event is registered."""
    return uuid5("receipt", event.source, event.id, event.subject, scheme, rule)


def refusal_id(topic: str, partition: int, offset: int, step: str) -> str:
    """Return the id of what is emitted about a refused record.

    A refused record may have no readable id, so its position identifies it.
    """
    return uuid5("refusal", topic, str(partition), str(offset), step)
