"""Workers killed at random moments lose nothing, repeat nothing, and keep their state."""

from pathlib import Path

from bench.faults.experiment import Findings, Plan, run
from l233.local_kafka import temporary
from streaming.topics import Registry
from tests.faults.running import PATIENCE, SESSION, TWO_OF_ALL


def test_kills_and_restarts_leave_no_trace(tmp_path: Path) -> None:
    """The fault run of `bench.faults`, shorter: two workers of each role, kill -9 and SIGTERM, a day."""
    plan = Plan(800, kills=4, seed=12, shortest=0.5, longest=2.0, patience=PATIENCE, session=SESSION)
    with temporary() as kafka:
        found = run(plan, kafka.bootstrap, tmp_path, Registry.load(), print, roles=TWO_OF_ALL)
    assert found == Findings(kills=4, lost=0, duplicated=0, out_of_order=0, residual=0, state_divergence=0)
