"""A small role over topics of its own, on a real Kafka: what the delivery tests share."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streaming.client import Connection, Limits
from streaming.clock import WALL, Clock
from streaming.faust_role import RoleApp, wall_clock_ms
from streaming.handling import Role
from streaming.records import Handler, Output, Record, Result, State
from streaming.worker import work

PARTITIONS = 4


def count_per_key(topic: str) -> Handler:
    """Return a handler that numbers the records of each key: a lost or repeated one breaks the sequence."""

    def handle(record: Record, state: State) -> Result:
        key = record.key or b""
        if record.value == b"poison":
            raise ValueError("poison")
        number = int(state.get(key) or b"0") + 1
        return Result([Output(topic, key, b"%d %s" % (number, record.value or b""))], {key: b"%d" % number})

    return handle


@dataclass
class Bench:
    """Topics, role and workers of one test."""

    bootstrap: str
    folder: Path
    name: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}")
    limits: Limits = field(default_factory=lambda: Limits(session_timeout=6.0, failures_in_a_row=6))
    now_ms: Callable[[], int] = wall_clock_ms
    inputs: tuple[str, ...] = ("in",)
    clock: Clock = WALL

    def topic(self, short: str) -> str:
        """Return the full name of a topic of this test."""
        return f"{self.name}.{short}"

    def role(self, handler: Handler | None = None, dead: str = "dead") -> Role:
        """Return the role under test."""
        return Role(
            name=self.name,
            inputs=tuple(self.topic(short) for short in self.inputs),
            changelog=self.topic("state"),
            handler=handler or count_per_key(self.topic("out")),
            dead_letter=lambda record, error: [
                Output(self.topic(dead), record.key, type(error).__name__.encode())
            ],
        )

    def connection(self, worker: str = "a") -> Connection:
        """Return the connection of a worker with a state folder of its own."""
        return Connection(self.bootstrap, self.folder / worker, limits=self.limits, clock=self.clock)

    async def create(self, topic: str) -> None:
        """Create a topic, empty."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(self.topic(topic), PARTITIONS, 1)])
        finally:
            await admin.close()

    async def create_topics(self) -> None:
        """Create inputs, output, dead letters and changelog."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            names = [*self.inputs, "out", "dead"]
            topics = [NewTopic(self.topic(name), PARTITIONS, 1) for name in names]
            compact = {"cleanup.policy": "compact"}
            topics.append(NewTopic(self.topic("state"), PARTITIONS, 1, topic_configs=compact))
            await admin.create_topics(topics)
        finally:
            await admin.close()

    async def delete(self, topic: str) -> None:
        """Delete a topic, and return once it is gone."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([self.topic(topic)])
            async with asyncio.timeout(30):
                while self.topic(topic) in await admin.list_topics():  # noqa: ASYNC110  Kafka tells nobody
                    await asyncio.sleep(0.1)
        finally:
            await admin.close()

    async def feed(self, values: Sequence[tuple[str, str]], topic: str = "in") -> None:
        """Write (key, value) records and wait until Kafka has them."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5) as producer:
            for key, value in values:
                await producer.send(self.topic(topic), value.encode(), key=key.encode())
            await producer.flush()

    @asynccontextmanager
    async def worker(
        self, worker: str = "a", role: Role | None = None, limits: Limits | None = None
    ) -> AsyncIterator["asyncio.Task[None]"]:
        """Run a worker for the length of the block; its failure, if any, is the task's."""
        connection = self.connection(worker)
        if limits is not None:
            connection = replace(connection, limits=limits)
        stop, apps = asyncio.Event(), list[RoleApp]()
        task = asyncio.create_task(
            work([role or self.role()], connection, stop=stop, started=apps.extend, now_ms=self.now_ms)
        )
        try:
            yield task
        finally:
            stop.set()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()

    async def read(self, topic: str, count: int, seconds: float = 60.0) -> list[Record]:
        """Return the committed records of a topic once there are `count`, or what there is at the bound."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        await consumer.start()
        try:
            places = [TopicPartition(self.topic(topic), number) for number in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            found: list[Record] = []
            until = time.monotonic() + seconds
            while len(found) < count and time.monotonic() < until:
                batches: Mapping[TopicPartition, list[Record]] = await consumer.getmany(timeout_ms=200)
                for records in batches.values():
                    found.extend(records)
            return found
        finally:
            await consumer.stop()

    async def counted(self, count: int, seconds: float = 60.0) -> dict[str, list[int]]:
        """Return, per key, the numbers that `count_per_key` gave, in order of offset."""
        numbers: dict[str, list[int]] = defaultdict(list)
        for record in await self.read("out", count, seconds):
            numbers[(record.key or b"").decode()].append(int((record.value or b"0").split()[0]))
        return dict(numbers)


def unbroken(numbers: Mapping[str, list[int]], expected: Counter[str]) -> bool:
    """Say whether every key has each number once and in order: nothing lost, nothing twice."""
    return {key: list(range(1, n + 1)) for key, n in expected.items()} == dict(numbers)


def records(count: int, keys: int = 40) -> list[tuple[str, str]]:
    """Return `count` records over `keys` keys."""
    return [(f"k{i % keys}", f"v{i}") for i in range(count)]


def per_key(values: Sequence[tuple[str, str]]) -> Counter[str]:
    """Return how many records each key has."""
    return Counter(key for key, _ in values)
