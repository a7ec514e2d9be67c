"""How a worker ends."""

import subprocess
import sys

from streaming.worker import EXIT_STUCK

_FAILS_AND_HANGS = """
import asyncio, sys
from pathlib import Path
from streaming import worker
from streaming.client import Connection, Limits

class Lanes:
    async def release(self): ...

class App:
    lanes = Lanes()
    async def start(self): raise ValueError("a lane or Faust can't go on")
    async def stop(self): await asyncio.Event().wait()

worker.role_app = lambda *_: App()
sys.exit(worker.run([None], Connection("localhost:1", Path(), limits=Limits(stop_timeout=0.5))))
"""


def test_a_worker_that_failed_ends_within_its_bound_even_if_stopping_hangs() -> None:
    """Nobody sends a signal then, and a process that stays keeps its partitions from the others."""
    ended = subprocess.run([sys.executable, "-c", _FAILS_AND_HANGS], timeout=30, check=False)
    assert ended.returncode == EXIT_STUCK


_STANDS_BACK = """
import os
from pathlib import Path
from streaming.worker import stand_back

before = os.nice(0)
stand_back(5)
group = Path("/proc/self/autogroup")
print(os.nice(0) - before, group.read_text().split()[-1] if group.exists() else 5)
"""


def test_a_worker_for_which_nobody_waits_stands_back_for_the_others_of_its_machine() -> None:
    """As a session of its own, which is how they are started here, niceness alone would change nothing."""
    told = subprocess.run(
        [sys.executable, "-c", _STANDS_BACK],
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert told.stdout.split() == ["5", "5"]
