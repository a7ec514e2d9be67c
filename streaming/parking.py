"""Parking: a worker's records wait, in order, for what can't be done just now; everybody else flows.

A handler raises `Retry`. The record and all that follow it under the same key go into the lane's state, in
the transactions that take them from their input, and a timer tries the first of them again. A record that
brings what they wait for goes ahead, and they are tried again at once.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Self

import structlog

from streaming.context import named
from streaming.records import Record, Result, State
from streaming.store import RESERVED
from streaming.timers import timer_key

_QUEUES: Final = RESERVED + b"queue\0"
_RECORDS: Final = RESERVED + b"parked\0"
_NUMBER: Final = struct.Struct(">Q")
_QUEUE: Final = struct.Struct(">QQQQQ")
_PLACE: Final = struct.Struct(">IQQ")
_LENGTH: Final = struct.Struct(">i")
_FIRST_MS: Final = 1_000
_LONGEST_MS: Final = 300_000
_DOUBLINGS: Final = 9
_AT_ONCE: Final = 200
"""Parked records of one key worked in one go."""
_log = structlog.get_logger(__name__)

Writes = dict[bytes, bytes | None]


class Retry(Exception):
    """What a handler raises when a record can't be worked now, and later can.

    `after_ms`: when it is worth trying again; None: soon, then less and less often.
    """

    def __init__(self, reason: str, after_ms: int | None = None) -> None:
        super().__init__(reason)
        self.after_ms = after_ms


@dataclass(frozen=True, slots=True)
class Parked:
    """A record as it was parked."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits under one key: the records numbered from `first` to before `end`.

    `since` and `timer` are milliseconds: when the first one was parked, and when it is tried again.
    """

    key: bytes
    first: int
    end: int
    attempts: int
    since: int
    timer: int

    @classmethod
    def read(cls, key: bytes, state: State) -> Self | None:
        """Return the queue of a key, None when nothing of it is parked."""
        kept = state.get(_QUEUES + key)
        return None if kept is None else cls(key, *_QUEUE.unpack(kept))

    @property
    def _timer_key(self) -> bytes:
        return timer_key(self.timer, RESERVED + self.key)

    def kept(self) -> Writes:
        """Return what keeps the queue, or forgets an empty one."""
        name = _QUEUES + self.key
        if self.first == self.end:
            return {name: None, self._timer_key: None}
        numbers = self.first, self.end, self.attempts, self.since, self.timer
        return {name: _QUEUE.pack(*numbers), self._timer_key: b""}

    def joined(self, record: Record) -> Writes:
        """Return the writes by which a record waits behind the others."""
        return {_record_key(self.key, self.end): _pack(record), **replace(self, end=self.end + 1).kept()}

    def waiting(self, state: State, at_ms: int) -> Iterator[Parked]:
        """Return the records in their order, as they are at `at_ms`: what comes of them happens then."""
        for number in range(self.first, self.end):
            kept = state.get(_record_key(self.key, number))
            if kept is not None:
                yield _unpack(kept, at_ms)

    def passed(self, count: int, at_ms: int) -> Writes:
        """Return the writes after the first `count` records were worked; the rest is worked at `at_ms`."""
        gone: Writes = {_record_key(self.key, self.first + step): None for step in range(count)}
        later = replace(self, first=self.first + count, attempts=0, timer=at_ms)
        return {**gone, self._timer_key: None, **later.kept()}

    def put_off(self, count: int, retry: Retry, at_ms: int) -> Writes:
        """Return the writes when `count` records were worked and the next one must wait again."""
        attempts = 0 if count else self.attempts + 1
        later = replace(self, attempts=attempts)
        timer = later.again(retry, at_ms)
        return {**self.passed(count, timer), **replace(later, first=self.first + count, timer=timer).kept()}

    def again(self, retry: Retry, at_ms: int) -> int:
        """Return when to try again (milliseconds)."""
        wait = min(_FIRST_MS << min(self.attempts, _DOUBLINGS), _LONGEST_MS)
        return at_ms + (wait if retry.after_ms is None else max(retry.after_ms, 1))


def never_awaited(_: Record) -> bool:
    """Say that a record waits behind those of its key."""
    return False


class Waiting:
    """The keys of which something is parked, and what becomes of their records.

    `work` returns what a record causes; it raises `Retry` for one that must wait, and nothing else. Whatever
    is yielded or returned here is to be taken into the state before more is asked for.
    """

    __slots__ = ("_awaited", "keys")

    def __init__(self, awaited: Callable[[Record], bool]) -> None:
        """Begin with nothing parked; `awaited` says whether a record brings what others wait for."""
        self._awaited = awaited
        self.keys = set[bytes]()

    def opened(self, state: State) -> None:
        """Know what is parked, from a state that was restored."""
        self.keys = keys(state)

    def worked(
        self, record: Record, state: State, now_ms: int, work: Callable[[Record], Result]
    ) -> Iterator[Result]:
        """Yield what a record causes, or its parking; if it was awaited, then what those behind it cause."""
        key = record.key or b""
        queue = Queue.read(key, state) if key in self.keys else None
        if queue is not None and not self._awaited(record):
            yield Result(writes=queue.joined(record))
            return
        try:
            result = work(record)
        except Retry as retry:
            yield self.parked(record, retry, state, now_ms)
            return
        yield result
        if queue is not None:
            yield from self.again(key, state, now_ms, work)

    def parked(self, record: Record, retry: Retry, state: State, now_ms: int) -> Result:
        """Return the parking of a record: what follows it under its key will wait behind it."""
        key = record.key or b""
        queue = Queue.read(key, state) if key in self.keys else None
        self.keys.add(key)
        if queue is not None:
            return Result(writes=queue.joined(record))
        _log.info("key_parked", reason=str(retry), **named(record))
        return Result(writes=parked(record, retry, now_ms))

    def again(
        self, key: bytes, state: State, at_ms: int, work: Callable[[Record], Result]
    ) -> Iterator[Result]:
        """Yield what the records of a key cause, in order, until the next one must wait again."""
        queue, done = Queue.read(key, state), 0
        if queue is None:
            return
        for record in islice(queue.waiting(state, at_ms), _AT_ONCE):
            try:
                result = work(record)
            except Retry as retry:
                yield Result(writes=queue.put_off(done, retry, at_ms))
                return
            yield result
            done += 1
        yield Result(writes=queue.passed(done, at_ms))
        if Queue.read(key, state) is None:
            self.keys.discard(key)
            _log.info("key_released", records=done)


def parked(record: Record, retry: Retry, at_ms: int) -> Writes:
    """Return the writes that park the first record of a key."""
    queue = Queue(record.key or b"", 0, 0, 0, at_ms, 0)
    return replace(queue, timer=queue.again(retry, at_ms)).joined(record)


def keys(state: State) -> set[bytes]:
    """Return every key of which something is parked."""
    return {name[len(_QUEUES) :] for name, _ in state.scan(_QUEUES)}


def is_queue(key: bytes) -> bool:
    """Say whether a state key is that of a queue."""
    return key.startswith(_QUEUES)


def owner(timer_name: bytes) -> bytes | None:
    """Return the key that a timer tries again, None for a timer of the handler's own."""
    return timer_name[len(RESERVED) :] if timer_name.startswith(RESERVED) else None


def _record_key(key: bytes, number: int) -> bytes:
    return _RECORDS + _LENGTH.pack(len(key)) + key + _NUMBER.pack(number)


def _pack(record: Record) -> bytes:
    """Return a record as bytes: lengths and contents, none of it changed."""
    headers = [part for name, value in record.headers for part in (name.encode(), value)]
    parts = [record.topic.encode(), record.key, record.value, *headers]
    place = _PLACE.pack(record.partition, record.offset, max(record.timestamp, 0))
    return place + b"".join(_LENGTH.pack(-1 if p is None else len(p)) + (p or b"") for p in parts)


def _unpack(kept: bytes, at_ms: int) -> Parked:
    partition, offset, timestamp = _PLACE.unpack_from(kept)
    parts, position = list[bytes | None](), _PLACE.size
    while position < len(kept):
        (length,) = _LENGTH.unpack_from(kept, position)
        position += _LENGTH.size
        parts.append(None if length < 0 else kept[position : position + length])
        position += max(length, 0)
    topic, key, value, *headers = parts
    pairs = [
        ((name or b"").decode(), content or b"")
        for name, content in zip(headers[::2], headers[1::2], strict=True)
    ]
    return Parked((topic or b"").decode(), partition, offset, max(timestamp, at_ms), key, value, pairs)
