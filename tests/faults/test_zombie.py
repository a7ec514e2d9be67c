"""A worker that is stopped in the middle of a transaction and wakes up when others have its lanes."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any

from bench.faults.quiet import Ends
from l233.local_kafka import LocalKafka, temporary
from streaming.reading import Place
from tests.faults.running import Running, running

SECONDS = 120.0


def told(log: str, event: str) -> Iterator[dict[str, Any]]:
    """Yield what a worker has logged under this name."""
    return (json.loads(line) for line in log.splitlines() if f'"event": "{event}"' in line)


def assigned(run: Running, name: str) -> dict[str, list[int]]:
    """Return the lanes that a worker was last given, by role."""
    return {one["role"]: one["lanes"] for one in told(run.crew.log(name), "lanes_assigned")}


def changelogs(run: Running, name: str) -> dict[Place, tuple[str, int]]:
    """Return the changelogs that this worker writes, each with its role and lane."""
    return {
        (run.registry.roles[role].state, number): (role, number)
        for role, numbers in assigned(run, name).items()
        for number in numbers
    }


def left_open(ends: Ends) -> dict[Place, int]:
    """Return where records end in places where not all is committed."""
    committed = ends.committed()
    return {place: at for place, at in ends.written().items() if committed[place] < at}


def stop_in_a_transaction(run: Running, name: str, other: str) -> dict[Place, int]:
    """Stop a worker at a moment when it has written records that it has not committed; return where they end.

    A commit that was under way has had a second to come through; and the records are no other worker's,
    which may have been given the lanes while this one stood still before.
    """
    random = Random(5)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ends = Ends(run.crew.bootstrap, changelogs(run, name))
        run.let_out += 30  # always something to work
        time.sleep(random.uniform(0.05, 0.4))
        run.crew.pause(name)
        if left_open(ends):
            time.sleep(1.0)
            found = left_open(ends)
            if found and not found.keys() & changelogs(run, other).keys():
                return found
        run.crew.wake(name)
    raise AssertionError(f"{name} was never caught in a transaction")


def until(holds: Callable[[], bool], what: str) -> None:
    """Return once something holds."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, f"not within {SECONDS:.0f} s: {what}"
        time.sleep(0.1)


def _day(kafka: LocalKafka, folder: Path) -> AbstractContextManager[Running]:
    return running(kafka.bootstrap, folder, events=1_000, seconds=2, seed=3, let_out=200)


def test_a_worker_that_wakes_up_after_its_lanes_moved_is_fenced(tmp_path: Path) -> None:
    """What it had begun is aborted by whoever takes its lanes; what it then tries to commit is refused."""
    with temporary() as kafka, _day(kafka, tmp_path) as run:
        everything = {role: list(range(run.registry.partitions)) for role in run.registry.roles}
        run.await_fed(200)
        left = stop_in_a_transaction(run, "a", "b")
        lanes = changelogs(run, "a")
        until(lambda: assigned(run, "b") == everything, "the other worker has every lane")
        ends = Ends(kafka.bootstrap, left)
        aborted = "what the stopped worker had begun is aborted"
        until(lambda: all(now >= left[place] for place, now in ends.committed().items()), aborted)
        before = len(run.crew.log("a"))
        run.crew.wake("a")

        def refused() -> bool:
            failed = told(run.crew.log("a")[before:], "lane_failed")
            return any((one["role"], one["lane"]) in {lanes[place] for place in left} for one in failed)

        until(refused, "the worker that woke up is refused")
        found = run.findings()
    assert found.clean, found
