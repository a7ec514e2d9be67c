"""What intake forgets, and when: nothing that may still come again from the input topic."""

from hypothesis import given
from hypothesis import strategies as st

from coordination import forgetting, remembered
from coordination.forgetting import DAY_MS, KEPT_MS
from schemas.records import Situation
from streaming.topics import Registry

NOW = 1_900_000_000_000
KEPT = Situation("123456782", "31555", "31555", {})


def stored(at_ms: int) -> bytes:
    return remembered.of_event(b"d" * 16, b'{"id":"r"}', "contribution.paid", KEPT, at_ms)


def test_an_event_is_remembered_as_long_as_its_topic_keeps_it() -> None:
    days = Registry.load().topics["l233.events"].retention_days or 0
    assert days * DAY_MS <= KEPT_MS


def test_what_is_older_is_forgotten_and_nothing_else() -> None:
    entries = [
        (b"old", stored(NOW - KEPT_MS - 1)),
        (b"annulled", remembered.annulled(stored(NOW - KEPT_MS - 1))),
        (b"at the bound", stored(NOW - KEPT_MS)),
        (b"new", stored(NOW)),
        (b"of an older version", b"d" * 16 + b'{"id":"r"}'),
    ]
    assert list(forgetting.forgotten(entries, NOW)) == [b"old", b"annulled"]


@given(st.integers(0, 2**128 - 1), st.integers(NOW, NOW + 1000 * DAY_MS))
def test_every_worker_is_looked_at_once_in_256_days(number: int, begin: int) -> None:
    key = remembered.seen_key(f"worker:{number:032x}", "urn:x", "1")
    looks = [key.startswith(forgetting.part_of(begin + day * DAY_MS)) for day in range(256)]
    assert looks.count(True) == 1


def test_the_first_look_finds_the_first_event_old_enough_and_the_next_is_a_day_later() -> None:
    first = forgetting.first_look(NOW)
    assert list(forgetting.forgotten([(b"first", stored(NOW))], first)) == [b"first"]
    assert forgetting.next_look(first) - first == DAY_MS


@given(st.integers(0, 2**62))
def test_the_time_is_read_back(at_ms: int) -> None:
    assert remembered.routed_at(stored(at_ms)) == at_ms
    assert remembered.routed_at(remembered.annulled(stored(at_ms))) == at_ms
