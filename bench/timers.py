"""How long it takes to fire what is due among a million open deadlines, and what these cost in memory.

A lane's real store on disk holds one case per deadline, each with its timer, as `cases` writes them. What
is due is fired as a lane does it: from the first timer on, the handler's result taken into the store. The
same is done with fewer deadlines: were anything but what is due looked at, the two would differ. They are
compared by the CPU time of the thread that fires, which tells even while others use the machine.
"""

import json
import resource
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from agents.cases import Cases
from agents.roles import load_world
from coordination import case_facts
from coordination.case_facts import Armed, Ask, Asked, Fact
from coordination.cases import fold, nothing_of
from coordination.deadlines import instants_of
from streaming.store import Overlay, Store
from streaming.timers import PREFIX, Timer, due_at, timer_key
from streaming.topics import Registry

DUE: Final = 1_000
"""Deadlines that are due at once, each round."""
ROUNDS: Final = 5
FEWER: Final = 10_000
BATCH: Final = 10_000
MONDAY: Final = "2026-03-02T09:00:00.000Z"
BY: Final = "2026-03-16T23:59:59+01:00"
PARIS: Final = "Europe/Paris"
WORKER: Final = "worker:" + "0" * 32
CASE: Final = "00000000-0000-5000-8000-000000000000"
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


def template() -> tuple[bytes, int]:
    """Return the facts of a case with one open deadline as lines, and the instant of its warning."""
    near_ms, missed_ms = instants_of(BY, "reported", PARIS, None)
    ask = Ask(
        organism="cpam:311",
        role="lead",
        activity="requests",
        acknowledge="reported",
        level="reported",
        by=BY,
        basis="as the DSN's registration report (ARE), within 10 working days",
        status="convention",
        until=None,
        silence="missed",
        zone=PARIS,
        holidays=None,
        near_ms=near_ms,
        missed_ms=missed_ms,
    )
    asked = Asked(
        id=CASE,
        at=MONDAY,
        event=CASE,
        source="urn:example:counter",
        name="complaint.lodged",
        time=MONDAY,
        scheme="2026-01",
        asks=(ask,),
        corrects=None,
    )
    facts: list[Fact] = [asked, Armed(near_ms)]
    reduce(fold, facts, nothing_of(CASE, WORKER))
    return case_facts.write(facts), near_ms


def entries(timers: int) -> Iterator[tuple[bytes, bytes]]:
    """Return the state of so many cases: some are due round after round, the rest in the months after."""
    lines, near_ms = template()
    near, missed = (
        str(at_ms).encode() for at_ms in (near_ms, instants_of(BY, "reported", PARIS, None).missed_ms)
    )
    for number in range(timers):
        round_ = number // DUE
        at_ms = near_ms + (round_ * HOUR_MS if round_ < ROUNDS else DAY_MS + number * 7_000)
        worker, case = f"worker:{number:032x}", f"{number:08x}{CASE[8:]}"
        state = lines.replace(CASE.encode(), case.encode()).replace(missed, str(at_ms + 3 * DAY_MS).encode())
        key = f"{worker}/{case}".encode()
        yield key, state.replace(near, str(at_ms).encode())
        yield timer_key(at_ms, key), b""


def fill(store: Store, found: Iterable[tuple[bytes, bytes]]) -> None:
    """Put entries into a store."""
    left = iter(found)
    while batch := dict(islice(left, BATCH)):
        store.apply(batch, next_offset=0, now_ms=0)


def fire(store: Store, cases: Cases, first: bytes, now_ms: int) -> tuple[int, bytes]:
    """Fire what is due by an instant, as a lane does; return how many these were, and the next timer."""
    overlay = Overlay(store)
    fired = 0
    for key, value in store.scan(PREFIX, first):
        if due_at(key) > now_ms:
            first = key
            break
        overlay.take(cases.due(Timer.read(key, value), overlay))
        overlay.writes[key] = None
        fired += 1
    store.apply(overlay.writes, next_offset=0, now_ms=0)
    return fired, first


def measure(timers: int, folder: Path) -> dict[str, float]:
    """Return how long it takes to fire `DUE` timers among so many, and what they cost."""
    cases = Cases(load_world(Registry.load()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store = Store(folder)
    began = time.perf_counter()
    fill(store, entries(timers))
    filled = time.perf_counter() - began
    _, near_ms = template()
    seconds, used = [], []
    first = PREFIX
    for round_ in range(ROUNDS):
        began, spent = time.perf_counter(), time.thread_time()
        fired, first = fire(store, cases, first, near_ms + round_ * HOUR_MS)
        seconds.append(time.perf_counter() - began)
        used.append(time.thread_time() - spent)
        if fired != DUE:
            raise RuntimeError(f"{fired} timers fired instead of {DUE}")
    store.close()
    return {
        "timers": timers,
        "fire_1000_ms": round(median(seconds) * 1000, 1),
        "fire_1000_cpu_ms": round(median(used) * 1000, 1),
        "fill_seconds": round(filled, 1),
        "memory_mb": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
        "disk_mb": round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6, 1),
    }


def run(options: Namespace) -> dict[str, object]:
    """Measure with few deadlines, then with all."""
    with tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        few = measure(min(FEWER, options.timers), Path(folder) / "few")
        all_ = measure(options.timers, Path(folder) / "all")
    return {"few": few, "all": all_, "ratio": round(all_["fire_1000_cpu_ms"] / few["fire_1000_cpu_ms"], 2)}


def main() -> int:
    """Print what was measured."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--timers", type=int, default=1_000_000, help="open deadlines (at least 6,000)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    if options.timers < (ROUNDS + 1) * DUE:
        parser.error(f"--timers: {ROUNDS} rounds fire {DUE} each: give {(ROUNDS + 1) * DUE} or more")
    found = run(options)
    if options.json:
        print(json.dumps(found))
        return 0
    for name in ("few", "all"):
        print(f"{name:4} {found[name]}")
    print(f"time with all / with few: {found['ratio']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
