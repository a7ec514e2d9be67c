"""The measurements themselves run: small, on the real Kafka, with what the test environment has."""

import json
import subprocess
import sys
from typing import Any


def measured(*arguments: str) -> dict[str, Any]:
    """Run a measurement; return what it prints."""
    command = [sys.executable, "-m", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout))


def test_throughput_compares_l233_with_others_over_the_same_records(bootstrap: str) -> None:
    """Every program works its share."""
    programs = ["l233", "confluent"]
    found = measured(
        "bench.throughput", "--events", "20000", "--bootstrap", bootstrap, "--programs", *programs
    )
    for work in ("engine", "routing"):
        assert list(found[work]) == programs
        assert all(rate > 0 for rate in found[work].values())
        assert list(found["ratios"][work]) == programs[1:]


def test_latency_is_measured_through_both_hops_beside_the_raw_loops() -> None:
    """Every event is answered, of l233 by every recipient, or the measurement fails."""
    found = measured("bench.latency", "--rate", "50", "--seconds", "2", "--warm-up", "1")
    assert {"p50_ms", "p99_ms", "raw_p50_ms", "raw_p99_ms"} <= found.keys()
    assert found["raw_answers"] >= 2 * 50
    assert found["answers"] > found["raw_answers"]
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert 0 < found["all_p50_ms"] <= found["all_p99_ms"]


def test_parking_is_measured_beside_an_undisturbed_run(bootstrap: str) -> None:
    """Keys fail, wait and are worked in their order, or the measurement fails."""
    small = ["--keys", "100", "--failing", "10", "--rate", "100", "--seconds", "3", "--warm-up", "1"]
    found = measured("bench.parking", *small, "--rounds", "1", "--bootstrap", bootstrap)
    assert (found["lost"], found["out_of_order"]) == (0, 0)
    assert found["records_that_failed"] > 0
    assert found["undisturbed_p99_ms"] > 0
    assert found["longest_wait_ms"] > found["p50_ms"] > 0
