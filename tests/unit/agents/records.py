"""Records as Kafka would deliver them, for agents that are asked without one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from coordination.partitioning import partition_of
from schemas.envelope import Headers, pack_binary
from streaming.records import Output
from streaming.store import entries

WORKER = "worker:0123456789abcdef0123456789abcdef"
OTHER_WORKER = "worker:fedcba9876543210fedcba9876543210"


@dataclass(frozen=True)
class Kept:
    """A record at its place."""

    topic: str
    value: bytes | None
    headers: Headers = ()
    key: bytes | None = None
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_772_442_000_000


@dataclass
class Memory:
    """A lane's state, in memory."""

    kept: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        """Return what is kept."""
        return self.kept.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return what is kept under keys that begin so."""
        return entries(self.kept, prefix)


def event(
    name: str,
    data: dict[str, object],
    *,
    id_: str = "e1",
    worker: str = WORKER,
    case: str | None = None,
    time: str = "2026-03-02T10:00:00+01:00",
) -> Kept:
    """Return an input record on the right partition."""
    attributes = {
        "id": id_,
        "source": "urn:test:producer",
        "type": f"fr.l233.{name}.v1",
        "subject": worker,
        "time": time,
        "specversion": "1.0",
    }
    if case is not None:
        attributes["correlationid"] = case
    headers, value = pack_binary(attributes, json.dumps(data).encode())
    key = worker.encode()
    return Kept("l233.events", value, headers, key, partition_of(key, 4), 7)


def registered(**said: str | None) -> Kept:
    """Return the registration of a worker of Toulouse."""
    worker = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
    return event("activity.registered", {"worker": worker, "start": "2026-02-01"}, **said)  # type: ignore[arg-type]  # the names of `event`


def arrived(output: Output, offset: int = 0) -> Kept:
    """Return an output as the next role reads it."""
    return Kept(output.topic, output.value, tuple(output.headers), output.key, output.partition or 0, offset)


def header(output: Output, name: str) -> bytes | None:
    """Return a header of an output."""
    return dict(output.headers).get(name)
