"""A topic that speaks to every worker: all of it first, then what comes; nothing that was not committed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streaming.broadcast import Broadcast, followed
from streaming.client import Connection
from streaming.posting import exclusive_poster, poster
from streaming.reading import TopicMissingError
from streaming.records import Output, Record

SECONDS = 20.0


class Heard:
    """Keeps what a broadcast said, call by call."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.calls: list[list[bytes]] = []
        self._called = asyncio.Event()

    def take(self, records: Sequence[Record]) -> None:
        """Keep the values."""
        self.calls.append([record.value or b"" for record in records])
        self._called.set()

    @property
    def broadcast(self) -> Broadcast:
        """What to follow."""
        return Broadcast(self.topic, self.take)

    async def until(self, values: Sequence[bytes]) -> None:
        """Return once exactly these were heard."""
        async with asyncio.timeout(SECONDS):
            while [value for call in self.calls for value in call] != list(values):
                self._called.clear()
                await self._called.wait()


async def created(connection: Connection, partitions: int = 1) -> str:
    """Create a topic of our own."""
    name = f"test.broadcast.{uuid4().hex}"
    admin = AIOKafkaAdminClient(**connection.client())
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()
    return name


async def say(connection: Connection, topic: str, *values: bytes) -> None:
    """Put values on a topic."""
    async with poster(connection) as writing:
        await writing.put([Output(topic, b"key", value, (), 0) for value in values])


def run(scenario: Callable[[Connection], Awaitable[None]], bootstrap: str, folder: Path) -> None:
    """Run a scenario against Kafka."""

    async def main() -> None:
        await scenario(Connection(bootstrap, folder))

    asyncio.run(main())


def test_all_of_it_is_taken_first_and_then_what_comes(bootstrap: str, tmp_path: Path) -> None:
    async def scenario(connection: Connection) -> None:
        heard, silent = Heard(await created(connection)), Heard(await created(connection, 3))
        await say(connection, heard.topic, b"1", b"2")
        async with followed([heard.broadcast, silent.broadcast], connection) as task:
            assert heard.calls == [[b"1", b"2"]], "in one call, before anything else begins"
            assert silent.calls == [[]], "that there is nothing is said too"
            await say(connection, heard.topic, b"3")
            await heard.until([b"1", b"2", b"3"])
            await say(connection, silent.topic, b"at last")
            await silent.until([b"at last"])
            assert not task.done()
        assert task.done()

    run(scenario, bootstrap, tmp_path)


def test_what_was_not_committed_is_never_heard(bootstrap: str, tmp_path: Path) -> None:
    async def scenario(connection: Connection) -> None:
        heard = Heard(await created(connection))
        async with exclusive_poster(connection, f"test.{uuid4().hex}") as writing:
            wrong = Output(heard.topic, b"a", 7, (), 0)  # type: ignore[arg-type]  # can't be sent: an abort
            with pytest.raises(TypeError):
                await writing.put([Output(heard.topic, b"a", b"no", (), 0), wrong])
            async with followed([heard.broadcast], connection):
                await writing.put([Output(heard.topic, b"b", b"yes", (), 0)])
                await heard.until([b"yes"])

    run(scenario, bootstrap, tmp_path)


def test_who_can_not_take_it_ends_the_following(bootstrap: str, tmp_path: Path) -> None:
    """Before: nothing begins. Later: whoever waits for the task is told."""

    def fail(records: Sequence[Record]) -> None:
        if records:
            raise RuntimeError("can't go on")

    async def scenario(connection: Connection) -> None:
        topic = await created(connection)
        async with followed([Broadcast(topic, fail)], connection) as task:
            await say(connection, topic, b"1")
            async with asyncio.timeout(SECONDS):
                with pytest.raises(RuntimeError, match="can't go on"):
                    await task
        with pytest.raises(RuntimeError, match="can't go on"):
            async with followed([Broadcast(topic, fail)], connection):
                raise AssertionError("nothing begins")

    run(scenario, bootstrap, tmp_path)


def test_a_topic_that_is_not_there_is_told(bootstrap: str, tmp_path: Path) -> None:
    async def scenario(connection: Connection) -> None:
        with pytest.raises(TopicMissingError, match="run `l233 topics apply`"):
            async with followed([Heard("test.never.created").broadcast], connection):
                raise AssertionError("nothing begins")

    run(scenario, bootstrap, tmp_path)
