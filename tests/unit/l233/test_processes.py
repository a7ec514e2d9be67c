"""Processes that outlive us: known again by id and start, and no other is ever ended."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from l233 import processes
from l233.processes import Started

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); "
STUBBORN = [sys.executable, "-c", IGNORE + "import time; time.sleep(60)"]


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds, or fail."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Give a file for what a process prints."""
    return tmp_path / "console.log"


def test_a_started_process_is_alive_until_it_is_stopped(output: Path) -> None:
    process = processes.start(SLEEP, output)
    assert processes.alive(process)
    assert processes.stop([process], grace_seconds=20) == []
    assert not processes.alive(process)


def test_one_that_does_not_listen_is_killed(output: Path) -> None:
    """Within the bound, and it is told which."""
    stubborn, mild = processes.start(STUBBORN, output), processes.start(SLEEP, output)
    wait_until(lambda: "ready" in output.read_text(encoding="ascii"))
    assert processes.stop([stubborn, mild], grace_seconds=1) == [stubborn]
    assert not processes.alive(stubborn)


def test_a_process_with_the_same_id_that_started_at_another_time_is_left_alone(output: Path) -> None:
    """Ids are used again: after a restart of the machine ours may be somebody else's."""
    process = processes.start(SLEEP, output)
    try:
        stranger = replace(process, since="1")
        assert not processes.alive(stranger)
        assert processes.stop([stranger], grace_seconds=1) == []
        assert processes.alive(process)
    finally:
        processes.stop([process], grace_seconds=20)


def test_one_that_ended_and_awaits_its_parent_is_not_alive() -> None:
    """A killed broker whose parent is this very process must not look alive."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = processes.started_at(child.pid)
    assert started is not None
    assert child.stdin is not None
    child.stdin.close()
    wait_until(lambda: processes.started_at(child.pid) is None)
    assert not processes.alive(Started(child.pid, started))
    child.returncode = 0  # it was reaped already


def test_the_two_ways_of_asking_the_system_agree(output: Path) -> None:
    """Linux tells by /proc; where there is none, ps does."""
    process = processes.start(SLEEP, output)
    try:
        ways = (processes._started_by_proc, processes._started_by_ps)
        for way in ways:
            first = way(process.pid)
            assert first
            assert first == way(process.pid)
    finally:
        processes.stop([process], grace_seconds=20)
    assert [way(process.pid) for way in ways] == [None, None]


def test_a_process_goes_on_when_the_one_that_started_it_ends(output: Path) -> None:
    """`l233 kafka up` returns, and closing the terminal must not end Kafka."""
    code = (
        "import sys; from pathlib import Path; from l233 import processes; "
        f"s = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'], Path({str(output)!r})); "
        "print(s.pid, s.since)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid, since = done.stdout.split()
    process = Started(int(pid), since)
    assert processes.alive(process)
    processes.stop([process], grace_seconds=20)
    assert not processes.alive(process)
