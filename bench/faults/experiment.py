"""One run: feed, kill, wait until everything is worked, let a month pass, kill, wait, stop, audit."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

from bench.faults import audit
from bench.faults.audit import Audit
from bench.faults.crew import SESSION, TWO_OF_EACH, Crew, crew
from bench.faults.feed import Feed
from bench.faults.quiet import settled
from bench.faults.rebuilt import Rebuilt
from bench.faults.replayed import Times
from l233.day import generate
from l233.rehearsal import quiet as without_logs
from streaming import admin
from streaming.client import Connection
from streaming.clock import set_clock
from streaming.reading import reader
from streaming.topics import Registry

Tell = Callable[[str], None]
_DAY: Final = date(2026, 3, 2)
FIRST: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""What time it is for the workers while the day is fed: no deadline is due."""
SECOND: Final = datetime(2026, 3, 31, 22, 10, tzinfo=UTC)
"""What time it is afterwards: most deadlines have passed, and in Paris it is April."""
_KILLS_AT_THE_TURN: Final = 2
_SHARE_OF_KILLS: Final = 2 / 3
"""Of two ways to end a worker, how often the one that asks nobody."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does; the same plan plans the same kills of the same day."""

    events: int
    kills: int
    seed: int = 233
    shortest: float = 1.0
    """Seconds between two kills, at least."""
    longest: float = 9.0
    patience: float = 600.0
    """Seconds that the workers have, once the feed is over, to work what waits."""
    session: float = SESSION
    """Seconds after which Kafka takes a worker that was killed for gone."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run counted. All but `kills` should be 0."""

    kills: int
    lost: int
    """Records that should stand on a topic and don't; published ones that the input topic lacks included."""
    duplicated: int
    """Records that stand on a topic once too often, or that nothing explains."""
    out_of_order: int
    """Records behind a later one of the same worker."""
    residual: int
    """Input records that ended nowhere or in several places, and recipients that gave no answer."""
    state_divergence: int
    """Cases, figures of quality and lanes whose state is not what their inputs make of it."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any((self.lost, self.duplicated, self.out_of_order, self.residual, self.state_divergence))


class NotEmptyError(Exception):
    """The cluster has been used before."""


async def prepare(bootstrap: str, registry: Registry) -> None:
    """Create the topics. Raises when one holds records already: all that is found must be this run's."""
    async with admin.connect({"bootstrap_servers": bootstrap}) as client:
        await admin.apply(client, registry)
    async with reader(Connection(bootstrap, Path())) as source:
        ends = await source.ends(await source.places(registry.topics))
    if used := sorted({topic for (topic, _), end in ends.items() if end}):
        raise NotEmptyError(f"{', '.join(used)} at {bootstrap} hold records: give a cluster of its own")


def kill_while_feeding(plan: Plan, crew_: Crew, tell: Tell) -> int:
    """Feed the whole day while workers are killed and started again; return how many records were fed."""
    random = Random(plan.seed)
    pauses = [random.uniform(plan.shortest, plan.longest) for _ in range(plan.kills + 1)]
    moments = list(accumulate(pauses))
    done = threading.Event()
    ended = 0
    feed = Feed(
        crew_.bootstrap,
        generate(plan.seed, plan.events, _DAY),
        plan.events / moments[-1],
        lambda: plan.events if done.is_set() else plan.events * (ended + 1) // (plan.kills + 1),
    )
    feed.start()
    began = time.monotonic()
    for number, moment in enumerate(moments[:-1]):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        name, how = _kill(crew_, random)
        ended = number + 1
        tell(f"{time.monotonic() - began:6.1f} s  {feed.acknowledged:7,} fed  {how} {name} ({ended})")
    done.set()
    return feed.finish()


def _kill(crew_: Crew, random: Random) -> tuple[str, str]:
    name = random.choice(sorted(crew_.roles))
    how = signal.SIGKILL if random.random() < _SHARE_OF_KILLS else signal.SIGTERM
    if how is signal.SIGKILL:
        crew_.kill(name)
    else:
        crew_.terminate(name)
    crew_.start(name)
    return name, how.name


async def wait(plan: Plan, crew_: Crew, registry: Registry, now: datetime, tell: Tell) -> None:
    """Return once nothing is left to do at this instant. Raises when a worker ends or the time is over."""
    told = time.monotonic()

    def looked(left: str) -> None:
        nonlocal told
        for name in crew_.roles:
            crew_.check(name)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            tell(f"still waiting: {left}")

    connection = Connection(crew_.bootstrap, crew_.state)
    at_ms = _milliseconds(now)
    await settled(connection, registry, audit.AUDITED, plan.patience, at_ms=at_ms, looked=looked)


async def turn(crew_: Crew, registry: Registry) -> Times:
    """Move the clock of workers that have worked everything: deadlines pass, and a month ends."""
    if crew_.clock is None:
        raise ValueError("the workers go by the machine's time: give the crew a clock")
    async with reader(Connection(crew_.bootstrap, crew_.state)) as source:
        ends = await source.ends(await source.places(registry.topics))
    set_clock(crew_.clock, SECOND)
    return Times(_milliseconds(FIRST), _milliseconds(SECOND), ends)


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def kill_while_timers_fire(plan: Plan, crew_: Crew, tell: Tell) -> None:
    """Kill a worker or two, as a power failure would, right after the clock has moved."""
    random = Random(plan.seed + 1)
    for name in random.sample(sorted(crew_.roles), min(plan.kills, _KILLS_AT_THE_TURN)):
        time.sleep(random.uniform(0.3, 2.0))
        crew_.kill(name)
        crew_.start(name)
        tell(f"after the turn  SIGKILL {name}")
    for name in crew_.roles:
        crew_.await_started(name)


async def examine(
    kills: int, fed: int, crew_: Crew, registry: Registry, times: Times
) -> tuple[Findings, Sequence[str]]:
    """Audit what a stopped crew left; return the findings, and what is wrong in words."""
    connection = Connection(crew_.bootstrap, crew_.state)
    books = Audit(registry, times)
    with without_logs():
        await audit.read(books, connection)
    wrong = [*books.wrong_cases(), *books.wrong_figures()]
    rebuilt = Rebuilt(connection, registry, crew_.state, crew_.folder / "rebuilt")
    states = await rebuilt.differences(books.remembered(), books.last)
    account = books.ledger.account()
    findings = Findings(
        kills=kills,
        lost=books.tally.lost + max(0, fed - books.published),
        duplicated=books.tally.duplicated + max(0, books.published - fed),
        out_of_order=books.order.broken,
        residual=account.total.residual + account.unanswered,
        state_divergence=len(wrong) + len(states),
    )
    return findings, [f"{account.total}", *_told(books, fed), *wrong[:5], *states]


def _told(books: Audit, fed: int) -> Iterator[str]:
    yield f"{fed:,} fed, {books.published:,} in the input topic, {books.tally.expected:,} records expected"
    yield from books.tally.examples()


def run(
    plan: Plan,
    bootstrap: str,
    folder: Path,
    registry: Registry,
    tell: Tell,
    *,
    roles: Mapping[str, Sequence[str]] = TWO_OF_EACH,
) -> Findings:
    """Run a whole experiment on a cluster that has no records in the topics yet."""
    asyncio.run(prepare(bootstrap, registry))
    clock = folder / "clock"
    folder.mkdir(parents=True, exist_ok=True)
    set_clock(clock, FIRST)
    with crew(bootstrap, folder, roles, clock, plan.session) as workers:
        tell(f"{len(workers.roles)} workers work")
        fed = kill_while_feeding(plan, workers, tell)
        tell(f"{fed:,} records are fed; waiting until all are worked")
        asyncio.run(wait(plan, workers, registry, FIRST, tell))
        times = asyncio.run(turn(workers, registry))
        tell("a month passes: deadlines are due")
        kill_while_timers_fire(plan, workers, tell)
        asyncio.run(wait(plan, workers, registry, SECOND, tell))
        workers.stop_all()
        tell("everything is worked and every worker has stopped; auditing")
        findings, words = asyncio.run(examine(plan.kills, fed, workers, registry, times))
    for line in words:
        tell(line)
    return findings
