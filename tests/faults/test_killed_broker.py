"""Brokers that die under load and come back: workers go on by themselves, nothing lost, nothing twice."""

from pathlib import Path

import pytest

from l233.local_kafka import temporary
from l233.local_kafka.config import Brokers
from tests.faults.running import running


@pytest.mark.parametrize("brokers", [1, 3])
def test_brokers_that_die_under_load_cost_nothing(tmp_path: Path, brokers: Brokers) -> None:
    """Twice a broker ends as in a power failure and starts again, while a day is fed and worked.

    Alone, it takes everything with it for some seconds; of three, each record stands on the two others.
    """
    with (
        temporary(brokers) as kafka,
        running(kafka.bootstrap, tmp_path, events=800, seconds=6, seed=brokers) as run,
    ):
        for number, fed in ((1, 160), (brokers, 480)):
            run.await_fed(fed)
            kafka.kill_broker(number)
            kafka.start_broker(number)
        found = run.findings()
    assert found.clean, found
