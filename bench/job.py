"""What a measured program is told: where to read, where to write and what to do with a record."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from agents.intake import IntakeAgent
from agents.roles import ORGANISMS, load_world
from streaming.records import Handler, Output, Record, Result, State
from streaming.store import entries
from streaming.topics import Registry

INPUT: Final = "bench.input"


class Seen(NamedTuple):
    """A record for a handler, where a client's own class has other names."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Job:
    """One program's part in a run. Everything it makes (topics, group) begins with `name`."""

    bootstrap: str
    name: str
    work: str
    folder: Path

    @classmethod
    def parse(cls) -> Self:
        """Read the job from the command line."""
        parser = ArgumentParser()
        for option in ("bootstrap", "name", "work"):
            parser.add_argument(f"--{option}", required=True)
        parser.add_argument("--folder", type=Path, required=True)
        given = parser.parse_args()
        return cls(given.bootstrap, given.name, given.work, given.folder)

    def arguments(self) -> list[str]:
        """Return the command line that `parse` reads."""
        named = {"bootstrap": self.bootstrap, "name": self.name, "work": self.work, "folder": self.folder}
        return [text for option, value in named.items() for text in (f"--{option}", str(value))]

    @property
    def out(self) -> str:
        """The topic that gets exactly one output for each input."""
        return f"{self.name}.{OUTPUTS[self.work][0]}"

    @property
    def outs(self) -> list[str]:
        """Every topic written, a changelog apart."""
        return [f"{self.name}.{topic}" for topic in OUTPUTS[self.work]]

    def handler(self) -> Handler:
        """Return the work with state, as l233 does it."""
        return HANDLERS[self.work](self)

    def outputs(self) -> Callable[[Record], Sequence[Output]]:
        """Return the same outputs for a program without delivery of state: a dict remembers."""
        if self.work == "engine":
            out = self.out
            return lambda record: (Output(out, record.key, record.key),)
        handler, memory = self.handler(), Memory()

        def work(record: Record) -> Sequence[Output]:
            result = handler(record, memory)
            memory.update(result.writes)
            return result.outputs

        return work


class Memory(dict[bytes, bytes | None]):
    """State in memory: what the comparators have instead of a store and a changelog."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the entries whose keys begin so."""
        return entries(self, prefix)


def _engine(job: Job) -> Handler:
    """Read the key, count its records in the state, write one output."""
    out = job.out

    def work(record: Record, state: State) -> Result:
        key = record.key or b""
        count = int(state.get(key) or b"0") + 1
        return Result((Output(out, key, key),), {key: b"%d" % count})

    return work


def _routing(job: Job) -> Handler:
    """Judge as intake does in production; only the topics are the job's own."""
    agent = IntakeAgent(load_world(Registry.load()))
    names = {topic: f"{job.name}.{topic}" for topic in OUTPUTS["routing"]}

    def work(record: Record, state: State) -> Result:
        result = agent(record, state)
        outputs = [output._replace(topic=names[output.topic]) for output in result.outputs]
        return Result(outputs, result.writes)

    return work


OUTPUTS: Final[dict[str, tuple[str, ...]]] = {
    "engine": ("out",),
    "routing": (
        "l233.receipts",
        "l233.decisions",
        "l233.acknowledgements",
        *(f"l233.inbox.{organism.agent}" for organism in ORGANISMS),
    ),
}
"""Topics written by each work, the one that gets one output for each input first."""
HANDLERS: Final[dict[str, Callable[[Job], Handler]]] = {"engine": _engine, "routing": _routing}
