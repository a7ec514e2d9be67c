"""What goes in and out of a lane: records read from Kafka, outputs to write, and a handler between them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, Self, runtime_checkable

from streaming.timers import Timer

_SMALL_KEY = 1024


class Record(Protocol):
    """A record as Kafka delivered it; aiokafka's `ConsumerRecord` is one."""

    @property
    def topic(self) -> str: ...  # noqa: D102  the protocol's names are Kafka's own
    @property
    def partition(self) -> int: ...  # noqa: D102  as above
    @property
    def offset(self) -> int: ...  # noqa: D102  as above
    @property
    def timestamp(self) -> int: ...  # noqa: D102  milliseconds since the epoch
    @property
    def key(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102  as above


@dataclass(frozen=True, slots=True)
class WithoutContent:
    """A record of which place, time and, if small, key are kept: the rest is too large to pass on."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: None = None
    headers: tuple[()] = ()

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return what is kept of `record`."""
        key = record.key if len(record.key or b"") <= _SMALL_KEY else None
        return cls(record.topic, record.partition, record.offset, record.timestamp, key)


class Slice(NamedTuple):
    """Records fetched from one partition, in order, as one Faust event."""

    number: int
    epoch: int
    """The epoch of the lane when they were asked for."""
    records: Sequence[Record]


class Output(NamedTuple):
    """A record to write in the transaction of the slice that caused it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    """None: the lane's own number, which is right for everything keyed by the same worker."""


class Later:
    """An output to a compacted topic that is made only if it is the last of its key in its transaction.

    For what is known to fit its topic: its size is not looked at before it is written.
    """

    __slots__ = ("_made", "_make", "key", "topic")

    def __init__(self, topic: str, key: bytes | None, make: Callable[[], Output]) -> None:
        """Take what makes the output, of this topic and key."""
        self.topic = topic
        self.key = key
        self._make = make
        self._made: Output | None = None

    def output(self) -> Output:
        """Return the output."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def value(self) -> bytes | None:
        """The output's value."""
        return self.output().value


_NO_WRITES: Final[Mapping[bytes, bytes | None]] = MappingProxyType({})


class Result(NamedTuple):
    """All that one record causes, taken together or not at all."""

    outputs: Sequence[Output] = ()
    writes: Mapping[bytes, bytes | None] = _NO_WRITES
    """State writes; None deletes."""
    latest: Sequence[Output | Later] = ()
    """Outputs to compacted topics: of several with one key in a transaction, only the last is written."""


class State(Protocol):
    """What a handler may look up: the lane's state as of the record before."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value kept under `key`, or None."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return every key that begins so, with its value, in the order of the keys."""
        ...


class Handler(Protocol):
    """What a role does with one record. Pure: the same record and state give the same result.

    One that sets timers (`streaming.timers`) is a `TimedHandler`.
    """

    def __call__(self, record: Record, state: State) -> Result:
        """Return everything the record causes. An exception isolates the record as `unexpected`."""
        ...


@runtime_checkable
class TimedHandler(Protocol):
    """A handler that also says what a timer causes once it is due."""

    def __call__(self, record: Record, state: State) -> Result:
        """Return everything the record causes."""
        ...

    def due(self, timer: Timer, state: State) -> Result:
        """Return everything the timer causes; the timer itself is gone with it."""
        ...
