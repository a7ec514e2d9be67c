"""What waits under a key: in order, unchanged, until it is worked."""

from hypothesis import given
from hypothesis import strategies as st

from streaming import parking
from streaming.parking import Parked, Queue, Retry
from streaming.store import RESERVED
from streaming.timers import PREFIX, Timer
from tests.unit.agents.records import Memory

NOW = 1_772_442_000_000
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3)
RECORDS = st.tuples(st.integers(0, 2**63 - 1), st.none() | st.binary(max_size=50), HEADERS).map(
    lambda parts: Parked("tópic", 3, parts[0], NOW, b"k", parts[1], parts[2])
)


def take(memory: Memory, writes: parking.Writes) -> None:
    for key, value in writes.items():
        if value is None:
            memory.kept.pop(key, None)
        else:
            memory.kept[key] = value


def queue(memory: Memory, key: bytes = b"k") -> Queue:
    found = Queue.read(key, memory)
    assert found is not None
    return found


def timers(memory: Memory) -> list[Timer]:
    return [Timer.read(key, value) for key, value in memory.scan(PREFIX)]


@given(st.lists(RECORDS, min_size=1, max_size=8), st.lists(st.integers(0, 3), max_size=6))
def test_records_come_out_as_they_went_in(records: list[Parked], tries: list[int]) -> None:
    """However often the first of them must wait again, order and content stay, and nothing is left over."""
    memory = Memory()
    take(memory, parking.parked(records[0], Retry("no answer"), NOW))
    for record in records[1:]:
        take(memory, queue(memory).joined(record))
    worked: list[Parked] = []
    at = NOW
    while (waiting := Queue.read(b"k", memory)) is not None:
        (timer,) = timers(memory)
        assert parking.owner(timer.name) == b"k"
        at = max(at, timer.at_ms)
        left = list(waiting.waiting(memory, at))
        count = min(tries.pop(), len(left)) if tries else len(left)
        worked += left[:count]
        if count == len(left):
            take(memory, waiting.passed(count, at))
        else:
            take(memory, waiting.put_off(count, Retry("still none"), at))
            (later,) = timers(memory)
            assert later.at_ms > at
    assert [(r.topic, r.offset, r.value, list(r.headers)) for r in worked] == [
        (r.topic, r.offset, r.value, list(r.headers)) for r in records
    ]
    assert memory.kept == {}


def test_a_queue_that_fails_again_and_again_is_tried_less_and_less_often() -> None:
    """An organism that does not answer is not asked at every instant."""
    memory, waits = Memory(), list[int]()
    take(memory, parking.parked(Parked("t", 0, 0, NOW, b"k", b"", ()), Retry("no"), NOW))
    at = NOW
    for _ in range(12):
        (timer,) = timers(memory)
        waits.append(timer.at_ms - at)
        at = timer.at_ms
        take(memory, queue(memory).put_off(0, Retry("no"), at))
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] == waits[-2]


def test_what_comes_of_a_parked_record_happens_when_it_is_worked() -> None:
    """An answer that was late must not look as if it had been given in time."""
    memory = Memory()
    take(memory, parking.parked(Parked("t", 0, 0, NOW, b"k", b"", ()), Retry("no"), NOW))
    (record,) = queue(memory).waiting(memory, NOW + 5_000)
    assert record.timestamp == NOW + 5_000


def test_keys_that_begin_alike_have_queues_of_their_own() -> None:
    """One worker's reference may be the beginning of another key."""
    memory = Memory()
    for key in (b"k", b"k\0", b"kk"):
        take(memory, parking.parked(Parked("t", 0, 0, NOW, key, key, ()), Retry("no"), NOW))
    assert parking.keys(memory) == {b"k", b"k\0", b"kk"}
    assert [r.value for r in queue(memory).waiting(memory, NOW)] == [b"k"]
    take(memory, queue(memory).passed(1, NOW))
    assert parking.keys(memory) == {b"k\0", b"kk"}
    assert all(name.startswith((RESERVED, PREFIX)) for name in memory.kept)
