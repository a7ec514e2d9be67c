"""The whole system on a Kafka of its own, and its command line in this process: for tests of commands."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import yaml

from l233 import cli
from streaming.client import Connection
from streaming.posting import Lies, poster
from streaming.reading import reader
from streaming.records import Output, Record
from streaming.topics import Registry

T = TypeVar("T")

CLOSED_SOURCE = "https://closed.example"
"""A source that may send nothing where `narrowed` is the registry; every `urn:` may."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  what a test looks into
        """The one JSON value that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str | Path) -> Done:
    """Run a command of `l233` in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.main([str(argument) for argument in arguments])
    return Done(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Topics:
    """Looks at the topics, and writes on them."""

    connection: Connection

    async def ends(self, *topics: str) -> dict[tuple[str, int], int]:
        """Return where topics end."""
        async with reader(self.connection) as reading:
            return await reading.ends(await reading.places(topics))

    async def read(self, *topics: str) -> list[Record]:
        """Return everything that is committed on topics."""
        async with reader(self.connection) as reading:
            places = await reading.places(topics)
            return [one async for batch in reading.read(await reading.ends(places)) for one in batch]

    async def put(self, outputs: Sequence[Output]) -> Sequence[Lies]:
        """Write records, in order."""
        async with poster(self.connection) as writing:
            return await writing.put(outputs)

    def having(
        self, wanted: Callable[[Record], bool], count: int, *topics: str, seconds: float = 60.0
    ) -> list[Record]:
        """Return the records that are wanted once there are `count`; fails at the bound."""

        async def look() -> list[Record] | None:
            found = [record for record in await self.read(*topics) if wanted(record)]
            return found if len(found) >= count else None

        return until(look, seconds)


def until(look: Callable[[], Awaitable[T | None]], seconds: float = 60.0) -> T:
    """Return what `look` finds once it finds something; fails at the bound."""

    async def poll() -> T:
        deadline = time.monotonic() + seconds
        while True:
            found = await look()
            if found is not None:
                return found
            assert time.monotonic() < deadline, f"nothing within {seconds} s"
            await asyncio.sleep(0.1)

    return asyncio.run(poll())


def headers(record: Record) -> dict[str, str]:
    """Return the headers of a record of ours."""
    return {name: value.decode() for name, value in record.headers}


def narrowed(folder: Path) -> Path:
    """Write the shipped registry with `CLOSED_SOURCE` shut out, and return where."""
    content = Registry.load().model_dump(mode="json", exclude_none=True)
    path = folder / "topics.yaml"
    path.write_text(yaml.safe_dump({**content, "allowed_sources": {"*": ["urn:*"]}}), encoding="utf-8")
    return path


@contextmanager
def environment(**settings: str) -> Iterator[None]:
    """Set variables for the length of the block."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
