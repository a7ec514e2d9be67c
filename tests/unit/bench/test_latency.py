"""How answers are counted and times summed up."""

from types import SimpleNamespace
from typing import cast

from confluent_kafka import Message

from bench.latency import RECEIVED, REGISTERED, Load, l233_answer, percentiles


def acknowledgement(kind: bytes, event: bytes = b"e") -> Message:
    """Return an acknowledgement as the reader sees it."""
    headers = [("ce_type", kind), ("ce_causationid", event)]
    return cast("Message", SimpleNamespace(headers=lambda: headers))


def test_an_event_is_answered_when_every_registered_recipient_has_received() -> None:
    """In whatever order intake's and the organisms' records are seen."""
    load = Load(rate=1, due={b"e": 10.0}, silent={b"e"})
    for kind in (RECEIVED, REGISTERED, REGISTERED):
        l233_answer(load, acknowledgement(kind), at=10.5)
        assert load.silent or load.open or kind == REGISTERED
    assert load.open == {b"e": 1}
    l233_answer(load, acknowledgement(RECEIVED), at=11.0)
    assert not load.open
    assert not load.silent
    assert load.milliseconds(since=0.0) == [500.0, 1000.0]


def test_what_was_due_while_programs_warmed_up_does_not_count() -> None:
    """Only events due from the given moment on are timed."""
    load = Load(rate=1, due={b"early": 1.0, b"late": 2.0}, silent=set())
    load.answered(b"early", 9.0)
    load.answered(b"late", 2.25)
    assert load.milliseconds(since=2.0) == [250.0]


def test_the_median_and_the_99th_of_a_hundred() -> None:
    """The two figures that are public."""
    p50, p99 = percentiles([float(value) for value in range(1, 200)])
    assert (p50, p99) == (100.0, 198.0)
