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
