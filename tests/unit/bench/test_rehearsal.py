"""The measurement of rehearsals measures rehearsals: every event is taken, and what they cause comes out."""

from argparse import Namespace

from bench.rehearsal import run


def test_a_small_run_takes_every_event_and_tells_a_rate() -> None:
    found = run(Namespace(events=400, rounds=1))
    assert isinstance(found["inputs"], int)
    assert 380 <= found["inputs"] <= 400, "records that hold no event are left out"
    assert isinstance(found["emitted"], int)
    assert found["emitted"] > 3 * found["inputs"]
    assert isinstance(found["events_per_second"], int)
    assert found["events_per_second"] > 0
