"""Two workers of every role under a realistic day, on a Kafka of the test's own; what became of it all."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agents.roles import NAMES
from bench.faults.crew import Crew, crew
from bench.faults.experiment import FIRST, SECOND, Findings, Plan, examine, prepare, turn, wait
from bench.faults.feed import Feed
from l233.day import generate
from streaming.clock import set_clock
from streaming.topics import Registry

PATIENCE = 200.0
"""A bound for what hangs; a quiet machine needs a tenth of it."""
SESSION = 3.0
"""Seconds: nothing is learned from waiting for Kafka to miss a worker as late as in production."""
TWO_OF_ALL: Mapping[str, Sequence[str]] = {"a": NAMES, "b": NAMES}
"""Two processes, every role in both: fewer to start than two of each."""


@dataclass
class Running:
    """A crew, and the day that is being fed to it."""

    crew: Crew
    feed: Feed
    registry: Registry
    events: int
    let_out: int
    """How many events of the day may be fed by now."""

    def await_fed(self, count: int, seconds: float = 60.0) -> None:
        """Return once Kafka has confirmed so many records of the day."""
        end = time.monotonic() + seconds
        while self.feed.acknowledged < count:
            fed = self.feed.acknowledged
            assert time.monotonic() < end, f"{fed} of {count} records were fed within {seconds:.0f} s"
            time.sleep(0.05)

    def findings(self) -> Findings:
        """Return what was counted once all is worked and a month has passed; the crew has stopped then."""
        self.let_out = self.events
        fed = self.feed.finish()
        assert fed == self.events
        plan = Plan(self.events, kills=0, patience=PATIENCE)
        asyncio.run(wait(plan, self.crew, self.registry, FIRST, print))
        times = asyncio.run(turn(self.crew, self.registry))
        asyncio.run(wait(plan, self.crew, self.registry, SECOND, print))
        self.crew.stop_all()
        found, words = asyncio.run(examine(0, fed, self.crew, self.registry, times))
        print("\n".join(words))  # pytest shows it when the test fails
        return found


@contextmanager
def running(
    bootstrap: str,
    folder: Path,
    *,
    events: int,
    seconds: float,
    seed: int,
    let_out: int | None = None,
) -> Iterator[Running]:
    """Give workers that work, and a day that is fed to them over so many seconds; all that is `let_out`."""
    registry = Registry.load()
    asyncio.run(prepare(bootstrap, registry))
    clock = folder / "clock"
    folder.mkdir(parents=True, exist_ok=True)
    set_clock(clock, FIRST)
    with crew(bootstrap, folder, TWO_OF_ALL, clock, SESSION) as workers:
        day = generate(seed, events, date(2026, 3, 2))
        feed = Feed(bootstrap, day, events / seconds, lambda: found.let_out)
        found = Running(workers, feed, registry, events, events if let_out is None else let_out)
        feed.start()
        yield found
