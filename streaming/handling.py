"""What one record, or one timer, comes to in a transaction: its result, its dead letter, or its parking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

import structlog

from schemas.keyring import ErasedError
from streaming import parking
from streaming.client import Connection
from streaming.context import named
from streaming.errors import KeyringUnusable, NoKeyring, RecordTooLarge, TooManyUnexpected, VeilBroken
from streaming.parking import Retry, Waiting, never_awaited
from streaming.records import Handler, Output, Record, Result, State, TimedHandler, WithoutContent
from streaming.store import Overlay
from streaming.timers import Timer, timer_key
from streaming.transaction import Writer
from streaming.veil import NO_VEIL

_log = structlog.get_logger(__name__)
PUT_OFF_MS: Final = 60_000
"""How much later a timer on which the handler fails is tried again."""
_KEYS_AMISS: Final = (KeyringUnusable, NoKeyring, VeilBroken)
"""What is wrong with every record alike: none is isolated for it, the worker stops."""
_LARGE: Final = 1024 * 1024
"""Bytes of a state value from which on it is looked at as it will be kept: a little larger."""
_FETCHES: Final = 4
"""Fetches of a busy role in the time that its lanes gather."""
GATHER: Final = 0.1
"""What a busy lane gathers, in seconds, unless its role says otherwise."""


def _as_written(record: Record) -> Record:
    return record


def never_held(_: int) -> None:
    """Say that a lane may go on."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a lane needs to know of its role."""

    name: str
    inputs: tuple[str, ...]
    changelog: str
    handler: Handler
    dead_letter: Callable[[Record, Exception], Sequence[Output]]
    tombstones_kept_ms: int = 7 * 24 * 3600 * 1000
    takes: Mapping[str, int] = field(default_factory=dict)
    """The largest record that a topic takes, in bytes; `Limits.output_bytes` for one that is not named."""
    gather: float = GATHER
    """The least time from one transaction of a busy lane to its next, in seconds: what arrives meanwhile
    shares the cost of one. An idle lane begins at once, and so does one that has a full slice."""
    held: Callable[[int], str | None] = never_held
    """Partition number -> why its lane is to wait for now; None when it may go on."""
    awaited: Callable[[Record], bool] = never_awaited
    """Whether a record brings what parked ones wait for: it goes ahead of those of its key, and they are
    tried again at once."""
    reads: Literal["plain", "as_written"] = "plain"
    """Whether the handler sees what is veiled, or, as who seals does, records as they lie on their topics."""
    nice: int = 0
    """How far a worker of nothing but such roles stands back for others on its machine, as Unix counts it."""

    @property
    def hold(self) -> float:
        """How long Kafka may hold a busy role's fetch back, in seconds: a part of what its lanes gather."""
        return self.gather / _FETCHES

    @property
    def group(self) -> str:
        """The consumer group, and the prefix of the transactional ids."""
        return f"l233.{self.name}"


@dataclass(slots=True)
class Progress:
    """What a lane has done since its worker started."""

    records: int = 0
    transactions: int = 0
    timers: int = 0
    parked: int = 0
    """Keys of which something waits."""
    unexpected: int = 0
    openings: int = 0
    restored: int = 0
    positions: dict[str, int] = field(default_factory=dict)

    @property
    def moves(self) -> int:
        """A number that changes whenever the lane gets on: to restore much state takes its time."""
        return self.transactions + self.restored


class Handling:
    """Lets a role's handler work records and timers, each on its own."""

    def __init__(self, role: Role, connection: Connection, progress: Progress) -> None:
        self._role = role
        self._limits = connection.limits
        self._clock = connection.clock
        self._veil = connection.veil
        self._seen = connection.veil.incoming if role.reads == "plain" else _as_written
        self._progress = progress
        self._unexpected_in_a_row = 0
        self._waiting = Waiting(role.awaited)

    def opened(self, state: State) -> None:
        """Know what is parked, from a state that was restored."""
        self._waiting.opened(state)
        self._progress.parked = len(self._waiting.keys)

    def record(self, record: Record, overlay: Overlay, writer: Writer) -> None:
        """Take all of what a record causes, or, if the handler fails on it, its dead letter alone."""
        try:
            record, waiting = self._clock.stamp(self._seen(record)), self._waiting
        except ErasedError:  # nothing is left of it that could be worked
            _log.info("record_erased", **named(record))
            return
        except VeilBroken as error:  # whoever put it there: it is nobody's word
            self._take_result(self._isolate(record, error, writer), overlay, writer)
            return
        if waiting.keys and (record.key or b"") in waiting.keys:
            work = partial(self._worked, overlay=overlay, writer=writer)
            for result in waiting.worked(record, overlay, self._clock.now_ms(), work):
                self._take_result(self._fitting(record, result, writer), overlay, writer)
            self._progress.parked = len(waiting.keys)
            return
        try:
            result = self._worked(record, overlay, writer)
        except Retry as retry:
            result = waiting.parked(record, retry, overlay, self._clock.now_ms())
            result = self._fitting(record, result, writer)
            self._progress.parked = len(waiting.keys)
        self._take_result(result, overlay, writer)

    def _worked(self, record: Record, overlay: Overlay, writer: Writer) -> Result:
        """Return what a record causes, or, if the handler fails on it, its dead letter. Raises `Retry`."""
        try:
            return self._handled(record, overlay, writer)
        except (Retry, *_KEYS_AMISS):
            raise
        except Exception as error:  # isolation: told in the log, in the dead letter and in the count
            return self._isolate(record, error, writer)

    def _handled(self, record: Record, overlay: Overlay, writer: Writer) -> Result:
        result = self._veiled(self._role.handler(record, overlay))
        self._check(result, writer)
        self._unexpected_in_a_row = 0
        return result

    def _veiled(self, result: Result) -> Result:
        """Return what a record causes as it is to be written; state is veiled when it is committed."""
        if self._veil is NO_VEIL:
            return result
        outgoing = self._veil.outgoing
        return Result([outgoing(output) for output in result.outputs], result.writes, result.latest)

    @staticmethod
    def _take_result(result: Result, overlay: Overlay, writer: Writer) -> None:
        for output in result.outputs:
            writer.add(output)
        overlay.take(result)

    def _fitting(self, record: Record, result: Result, writer: Writer) -> Result:
        """Return what a record is parked by, or its dead letter if it is too large to be parked."""
        try:
            self._check(result, writer)
        except RecordTooLarge as error:
            return self._isolate(record, error, writer)
        return result

    def _try_again(self, key: bytes, overlay: Overlay, writer: Writer, at_ms: int) -> None:
        """Work what is parked under a key, in order, until all is done or the next one must wait again."""
        work = partial(self._worked, overlay=overlay, writer=writer)
        for result in self._waiting.again(key, overlay, at_ms, work):
            self._take_result(result, overlay, writer)
        self._progress.parked = len(self._waiting.keys)

    def _check(self, result: Result, writer: Writer) -> None:
        """Raise `RecordTooLarge` for anything that its topic, or the changelog, would refuse."""
        for output in (*result.outputs, *result.latest):
            if isinstance(output, Output):
                writer.check(output)
        for key, value in result.writes.items():
            large = value is not None and len(value) > _LARGE
            kept = self._veil.kept(key, value) if large and value is not None else value
            writer.check(Output(self._role.changelog, key, kept))

    def _isolate(self, record: Record, error: Exception, writer: Writer) -> Result:
        self._count_unexpected(error, f"{record.topic}/{record.partition}/{record.offset}", **named(record))
        letter = self._veiled(Result(outputs=self._role.dead_letter(record, error)))
        try:
            self._check(letter, writer)
        except RecordTooLarge:  # a compressed record may be far larger than the input takes
            return self._veiled(Result(outputs=self._role.dead_letter(WithoutContent.of(record), error)))
        return letter

    def _count_unexpected(self, error: Exception, place: str, **what: object) -> None:
        """Tell of a failure of the handler; raise `TooManyUnexpected` after too many in a row."""
        # A record that grows too large is its own fault, not the handler's: a flood of them stops nothing.
        self._unexpected_in_a_row += not isinstance(error, RecordTooLarge)
        self._progress.unexpected += 1
        _log.error("record_unexpected", error=type(error).__name__, **{"place": place, **what})
        if self._unexpected_in_a_row >= self._limits.unexpected_in_a_row:
            raise TooManyUnexpected(
                f"{self._role.name} failed on {self._unexpected_in_a_row} records in a row, last {place}: "
                f"{type(error).__name__}; repair it and start again: nothing of this slice was committed"
            ) from error

    def timer(self, key: bytes, kept: bytes, overlay: Overlay, writer: Writer, now: int) -> None:
        """Take what a timer causes; one on which the handler fails is told of and put off, never lost.

        `kept` is its value as the state has it; the timer of an erased worker only goes.
        """
        overlay.take(Result(writes={key: None}))
        self._progress.timers += 1
        value = self._veil.opened(key, kept)
        if value is not None:
            self._fire(Timer.read(key, value), overlay, writer, now)

    def _fire(self, timer: Timer, overlay: Overlay, writer: Writer, now: int) -> None:
        key = parking.owner(timer.name)
        if key is not None:
            self._try_again(key, overlay, writer, now)
            return
        try:
            if not isinstance(self._role.handler, TimedHandler):
                raise TypeError(f"{self._role.name} has a timer but takes none")  # noqa: TRY301  isolated as any
            result = self._veiled(self._role.handler.due(timer, overlay))
            self._check(result, writer)
        except Retry as retry:
            later = timer_key(now + (retry.after_ms or PUT_OFF_MS), timer.name)
            result = Result(writes={later: timer.value})
        except _KEYS_AMISS:
            raise
        except Exception as error:  # isolation: told in the log and in the count
            self._count_unexpected(error, f"timer {timer.at_ms}")
            later = timer_key(now + PUT_OFF_MS, timer.name)
            result = Result(writes={later: timer.value})
        else:
            self._unexpected_in_a_row = 0
        self._take_result(result, overlay, writer)
