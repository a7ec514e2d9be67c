"""What is printed after a run."""

from argparse import Namespace

from bench.throughput import report


def test_the_report_gives_medians_and_how_many_times_each_other_program_l233_does() -> None:
    """The shape is public: engine, routing, ratios."""
    names = ["l233", "aiokafka", "faust"]
    options = Namespace(works=("engine", "routing"), programs=names, events=1_000, rounds=3)
    engine = {"l233": [800.0, 1_000.0, 900.0], "aiokafka": [1_000.0] * 3, "faust": [100.0] * 3}
    routing = {"l233": [300.0] * 3, "aiokafka": [400.0] * 3, "faust": [60.0] * 3}
    cpu = {name: [10.0, 30.0, 20.0] for name in names}
    found = report(options, {"engine": engine, "routing": routing}, {"engine": cpu, "routing": cpu})
    assert found["engine"] == {"l233": 900, "aiokafka": 1_000, "faust": 100}
    assert found["routing"] == {"l233": 300, "aiokafka": 400, "faust": 60}
    assert found["ratios"] == {
        "engine": {"aiokafka": 0.9, "faust": 9.0},
        "routing": {"aiokafka": 0.75, "faust": 5.0},
    }
    assert found["events"] == {"l233": 1_000, "aiokafka": 1_000, "faust": 100}
