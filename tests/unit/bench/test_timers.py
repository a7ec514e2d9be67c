"""The measurement of timers fires what it says it fires."""

from pathlib import Path

from bench.timers import measure


def test_a_thousand_of_six_thousand_are_fired_each_round(tmp_path: Path) -> None:
    """It raises when other timers than those due are fired; both times are told."""
    found = measure(6_000, tmp_path / "store")
    assert found["timers"] == 6_000
    assert found["fire_1000_ms"] > 0
    assert found["fire_1000_cpu_ms"] > 0
