"""Wraps made-up data as a CloudEvent and a record: ids, times, sources, extensions and both content modes."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from l233.day.records import GeneratedRecord, Outcome
from l233.day.workers import Worker
from schemas.envelope import STRUCTURED, pack_binary, pack_structured
from schemas.events import CONTRACTS, type_of

_STRUCTURED_HEADERS: Final = (("content-type", f"{STRUCTURED}; charset=UTF-8".encode()),)
_STRUCTURED_SHARE: Final = 0.25
"""Share of events in structured mode (assumed)."""

_COLLECTION: Final = "urn:l233:demo:collection"
_SOURCES: Final[Mapping[str, str]] = {
    "activity": "urn:l233:demo:single-counter",
    "territory": "urn:l233:demo:single-counter",
    "radiation": _COLLECTION,
    "income": "urn:l233:demo:tax-authority",
    "turnover": _COLLECTION,
    "contribution": _COLLECTION,
    "payment-delay": _COLLECTION,
    "sick-leave": "urn:l233:demo:health",
    "maternity": "urn:l233:demo:health",
    "retirement": "urn:l233:demo:retirement",
    "career": "urn:l233:demo:retirement",
}
_RECEPTION: Final = "urn:l233:demo:reception"
_SOURCE_OF: Final = {name: _SOURCES.get(name.partition(".")[0], _RECEPTION) for name in CONTRACTS}
_TYPE_OF: Final = {name: type_of(name) for name in CONTRACTS}

Attributes = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Said:
    """An event as its producer means it."""

    name: str
    worker: Worker
    attributes: Attributes
    payload: bytes

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.attributes["id"])

    @property
    def subject(self) -> str:
        """Whom it is about."""
        return self.worker.subject

    @property
    def source(self) -> str:
        """Who says it."""
        return str(self.attributes["source"])


def said(
    random: Random, name: str, worker: Worker, time: str, payload: str, *, case: str | None = None
) -> Said:
    """Give an event its attributes; `case` is the one that it joins."""
    bits = f"{random.getrandbits(128):032x}"
    attributes: Attributes = {
        "specversion": "1.0",
        "id": f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}",
        "source": _SOURCE_OF[name],
        "type": _TYPE_OF[name],
        "subject": worker.subject,
        "time": time,
    }
    if case is not None:
        attributes["correlationid"] = case
    chance = random.random()
    if chance < 0.3:
        attributes["recordedtime"] = time
    if chance < 0.05:
        attributes["traceparent"] = f"00-{bits[::-1]}-{bits[:16]}-01"
    elif chance > 0.95:
        attributes["producerbatch"] = bits[:6]  # an extension that the contract does not know, and keeps
    return Said(name, worker, attributes, payload.encode())


def data(worker: Worker | None, members: str) -> str:
    """Write the data of an event, with the block of a worker or without."""
    return f"{{{worker.block},{members}}}" if worker is not None else f"{{{members}}}"


def packed(random: Random, event: Said, expected: Outcome) -> GeneratedRecord:
    """Put an event into a record in one of the two modes, with its worker as key."""
    if random.random() < _STRUCTURED_SHARE:
        return structured(event, expected)
    return binary(event, expected)


def binary(event: Said, expected: Outcome) -> GeneratedRecord:
    """Put an event into a record in binary mode."""
    headers, value = pack_binary(event.attributes, event.payload)
    return GeneratedRecord(event.worker.subject.encode(), value, tuple(headers), None, expected, event.name)


def structured(event: Said, expected: Outcome) -> GeneratedRecord:
    """Put an event into a record in structured mode."""
    value = pack_structured(event.attributes, event.payload)
    key = event.worker.subject.encode()
    return GeneratedRecord(key, value, _STRUCTURED_HEADERS, None, expected, event.name)
