"""Runs a program of `bench.programs` beside us, and tells what it uses."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.job import Job

_TICKS: Final = os.sysconf("SC_CLK_TCK")

Process = subprocess.Popen[bytes]


@contextmanager
def running(program: str, job: Job) -> Iterator[Process]:
    """Run a program, and end it afterwards. What it said is shown when the block fails."""
    command = [sys.executable, "-m", f"bench.programs.{program}", *job.arguments()]
    job.folder.mkdir(parents=True)
    log = job.folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def alive(process: Process) -> None:
    """Raise when a program has ended before its work was done."""
    if (code := process.poll()) is not None:
        raise RuntimeError(f"{process.args!r} ended with {code} before its work was done")


def cpu_seconds(process: Process) -> float:
    """Return the CPU time a process has used, all threads together, as Linux tells it."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
