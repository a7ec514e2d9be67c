"""How the load of failing keys is made, and how their order is held."""

from argparse import Namespace
from random import Random

import pytest

from bench.parking import Failing, Order, OrderError, failing, records
from bench.programs.parking_role import UNTIL


def test_only_the_failing_keys_fail_and_each_for_times_of_its_own() -> None:
    """The others never do; no two that fail do so at the same times."""
    times = failing(5, 60.0, Random(1))
    assert set(times.spans) == set(range(5))
    assert len(set(times.spans.values())) == len(times.spans)
    for spans in times.spans.values():
        flat = [second for span in spans for second in span]
        assert flat == sorted(flat)


def test_a_record_says_until_when_its_key_fails() -> None:
    """Due within the time, it names the end of it; due before or after, nothing."""
    options = Namespace(rate=2, warm_up=0, seconds=4, keys=2)
    made = records(options, Failing({0: ((1.0, 2.5),)}), began_ms=10_000)
    said = {(one.key, dict(one.headers)["sent"]): dict(one.headers).get(UNTIL) for one in made}
    assert {at for at, until in said.items() if until is not None} == {(b"k00000", b"1"), (b"k00000", b"2")}
    assert said[b"k00000", b"1"] == b"12500"


@pytest.mark.parametrize("answers", [[(0, 0), (2, 1)], [(0, 0), (0, 0)], [(0, 1)]])
def test_a_lost_a_repeated_and_an_overtaken_record_fail_the_run(answers: list[tuple[int, int]]) -> None:
    """Whether it shows in the number it was sent under or in the one it was worked under."""
    order = Order()
    *before, last = answers
    for sent, worked in before:
        order.take(b"k", sent, worked)
    with pytest.raises(OrderError):
        order.take(b"k", *last)


def test_keys_have_orders_of_their_own() -> None:
    """What one key waits for does not hold the others to anything."""
    order = Order()
    for key, number in ((b"a", 0), (b"b", 0), (b"b", 1), (b"a", 1)):
        order.take(key, number, number)
    assert order.next == {b"a": 2, b"b": 2}
