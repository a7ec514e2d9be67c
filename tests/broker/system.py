"""The whole of l233 at work on a real Kafka, for tests that look at it from outside.

The names of the topics are fixed, and a test's broker may be shared: a test takes a `Watch`, publishes events
of workers that nobody else has, and looks at what was written since, for those workers only.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import KafkaError, Message, Producer

from bench.faults.audit import AUDITED
from bench.faults.crew import ALL_IN_ONE, Crew, crew
from bench.faults.quiet import settled
from schemas.envelope import STRUCTURED, Headers, pack_binary, pack_structured
from schemas.topics import INPUT
from streaming import admin
from streaming.client import Connection
from streaming.clock import set_clock
from streaming.reading import Place, reader
from streaming.records import Record
from streaming.topics import Registry

BY_MURMUR2: Final = "murmur2_random"
BY_LIBRDKAFKA: Final = "consistent_random"
"""librdkafka's own default: CRC-32 of the key; a random partition without one."""
SECONDS: Final = 60.0
HAPPENED: Final = "2026-03-02T10:00:00+01:00"
"""When everything happens, unless told."""

Data = Mapping[str, object]


def someone() -> str:
    """Return the reference of a worker whom no other test knows."""
    return f"worker:{uuid4().hex}"


def living_at(commune: str, **attachments: str) -> Data:
    """Return the block of a worker who lives and works in a commune."""
    block: dict[str, object] = {"siren": "732829320", "residence": commune, "establishment": commune}
    return block | ({"attachments": attachments} if attachments else {})


@dataclass(frozen=True)
class Event:
    """An event as its producer means it."""

    name: str
    data: Data
    worker: str = field(default_factory=someone)
    id: str = field(default_factory=lambda: str(uuid4()))
    source: str = "urn:test:producer"
    time: str = HAPPENED

    @property
    def attributes(self) -> dict[str, str]:
        """Its CloudEvents attributes."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": f"fr.l233.{self.name}.v1",
            "subject": self.worker,
            "time": self.time,
        }

    @property
    def payload(self) -> bytes:
        """Its data."""
        return json.dumps(self.data).encode()

    @property
    def key(self) -> bytes:
        """The key that it should have."""
        return self.worker.encode()


@dataclass(frozen=True)
class Input:
    """A record for the input topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


def binary(event: Event) -> Input:
    """Return an event in binary mode under its worker's key."""
    headers, value = pack_binary(event.attributes, event.payload)
    return Input(event.key, value, headers)


def structured(event: Event) -> Input:
    """Return an event in structured mode under its worker's key."""
    value = pack_structured(event.attributes, event.payload)
    return Input(event.key, value, [("content-type", STRUCTURED.encode())])


def publish(bootstrap: str, records: Iterable[Input], partitioner: str = BY_MURMUR2) -> list[tuple[int, int]]:
    """Write records to the input topic in order, each once; return where each one lies."""
    places: list[tuple[int, int]] = []
    failed: list[KafkaError] = []
    settings = {"bootstrap.servers": bootstrap, "log_level": 2, "partitioner": partitioner}
    producer = Producer({**settings, "enable.idempotence": True, "linger.ms": 1})
    found: dict[int, tuple[int, int]] = {}

    def told(number: int) -> Callable[[KafkaError | None, Message], None]:
        def keep(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)
            else:
                found[number] = (message.partition(), message.offset())

        return keep

    count = 0
    for count, record in enumerate(records, 1):
        place = {} if record.partition is None else {"partition": record.partition}
        producer.produce(
            INPUT, record.value, record.key, headers=list(record.headers), on_delivery=told(count), **place
        )
        producer.poll(0)
    left = producer.flush(SECONDS)
    assert not failed, failed
    assert not left, f"{left} records were not written"
    places.extend(found[number] for number in range(1, count + 1))
    return places


def header(record: Record, name: str) -> str | None:
    """Return a header of a record, None when it has none of this name."""
    value = dict(record.headers).get(name)
    return None if value is None else value.decode()


def content(record: Record) -> dict[str, Any]:
    """Return the JSON object that a record holds."""
    found = json.loads(record.value or b"null")
    assert isinstance(found, dict)
    return found


class Watch:
    """Looks at what is written from now on."""

    def __init__(self, bootstrap: str, registry: Registry) -> None:
        self._connection = Connection(bootstrap, Path())
        self._registry = registry
        self._starts = asyncio.run(self._ends(registry.topics))

    async def _ends(self, topics: Iterable[str]) -> dict[Place, int]:
        async with reader(self._connection) as source:
            return await source.ends(await source.places(topics))

    def since(self, *topics: str) -> list[Record]:
        """Return every record that stands on these topics now and did not when the watch began."""
        return asyncio.run(self._since(topics))

    async def _since(self, topics: Sequence[str]) -> list[Record]:
        async with reader(self._connection) as source:
            ends = await source.ends(await source.places(topics))
            return [record async for batch in source.read(ends, self._starts) for record in batch]

    def records(self, topic: str, worker: str | None, count: int, seconds: float = SECONDS) -> list[Record]:
        """Return a worker's records on a topic once there are `count`; more, or fewer at the bound, fail."""
        until = time.monotonic() + seconds
        while True:
            found = [one for one in self.since(topic) if header(one, "ce_subject") == worker]
            if len(found) >= count or time.monotonic() > until:
                assert len(found) == count, f"{len(found)} records of {worker} on {topic}, not {count}"
                return found
            time.sleep(0.1)

    def settled(self, seconds: float = SECONDS) -> None:
        """Return once every role has worked all that stands before it."""
        asyncio.run(settled(self._connection, self._registry, AUDITED, seconds))


@dataclass
class System:
    """Every role in one worker process."""

    bootstrap: str
    registry: Registry
    crew: Crew

    def watch(self) -> Watch:
        """Look at what is written from now on."""
        return Watch(self.bootstrap, self.registry)

    def publish(self, *records: Input, partitioner: str = BY_MURMUR2) -> list[tuple[int, int]]:
        """Write records to the input topic."""
        return publish(self.bootstrap, records, partitioner)

    def restart_without_state(self) -> None:
        """Stop the worker, take its disk away, and start it again."""
        (name,) = self.crew.roles
        self.crew.terminate(name)
        shutil.rmtree(self.crew.state)
        self.crew.start(name)
        self.crew.await_started(name)

    def logs(self) -> str:
        """Return everything that workers have logged."""
        return "".join(path.read_text() for path in self.crew.folder.glob("*.log"))


async def create_topics(bootstrap: str, registry: Registry) -> None:
    """Create the topics that are missing."""
    async with admin.connect({"bootstrap_servers": bootstrap}) as client:
        await admin.apply(client, registry)


@contextmanager
def system(bootstrap: str, folder: Path) -> Iterator[System]:
    """Give a system that works for the length of the block, at the time of its events: nothing is late."""
    registry = Registry.load()
    asyncio.run(create_topics(bootstrap, registry))
    clock = folder / "clock"
    set_clock(clock, datetime.fromisoformat(HAPPENED))
    with crew(bootstrap, folder, ALL_IN_ONE, clock) as workers:
        yield System(bootstrap, registry, workers)
        workers.stop_all()
