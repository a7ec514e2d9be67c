"""Starts processes that outlive us, knows them again later, and ends those and no others.

A process is known by its id *and* the moment it started: ids are used again, and we must never end what we
did not start.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Started:
    """A process that we started: its id and the moment it started, as the operating system tells it."""

    pid: int
    since: str


def start(command: list[str], output: Path, environment: Mapping[str, str] | None = None) -> Started:
    """Run `command` in a session of its own, so that it survives us; what it prints goes to `output`."""
    with output.open("ab") as console:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    # We know it by its id alone from here on; Python would otherwise warn that it still runs when we end.
    process.returncode = 0
    return Started(process.pid, started_at(process.pid) or "gone")


def alive(process: Started) -> bool:
    """Whether that very process still runs (one that ended and awaits its parent does not)."""
    runs = started_at(process.pid) == process.since
    if not runs:
        _reap(process.pid)
    return runs


def stop(
    processes: list[Started], grace_seconds: float, ask: signal.Signals = signal.SIGTERM
) -> list[Started]:
    """Ask all of them to end, wait, then end the rest (KILL). Returns those that had to be killed."""
    for process in processes:
        send(process, ask)
    stubborn = _wait_ended(processes, grace_seconds)
    for process in stubborn:
        send(process, signal.SIGKILL)
    _wait_ended(stubborn, KILL_SECONDS)
    return stubborn


def send(process: Started, what: signal.Signals) -> None:
    """Send a signal to that very process, if it still runs."""
    if alive(process):
        try:
            os.kill(process.pid, what)
        except ProcessLookupError:
            return  # it ended in between, which is what was wanted


def started_at(pid: int) -> str | None:
    """When the process with this id started, or None when there is none (or it only awaits its parent)."""
    if Path("/proc/self/stat").exists():
        return _started_by_proc(pid)
    return _started_by_ps(pid)


def _started_by_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name of the program, in parentheses, may hold anything: what follows the last one is safe to split.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return None if state in {"Z", "X"} else ticks


def _started_by_ps(pid: int) -> str | None:
    found = subprocess.run(  # noqa: S603 - no input of a user's in it
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, since = found.stdout.strip().partition(" ")
    return None if not since or state.startswith("Z") else since.strip()


def _reap(pid: int) -> None:
    """Let a child of ours that ended go; one that is not our child is nothing to us."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _wait_ended(processes: list[Started], seconds: float) -> list[Started]:
    """Wait, at most so long, until all have ended; returns those that have not."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if alive(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        left = [process for process in left if alive(process)]
    return left
