"""What time it is for a worker: the wall clock, or one that a test or a demonstration moves."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from streaming.records import Record


class ClockError(ValueError):
    """A clock file that tells no time: the message says what is expected in it."""


class Clock(Protocol):
    """Tells the time, and gives every record the time at which it counts as taken."""

    def now_ms(self) -> int:
        """Return the milliseconds since the epoch."""
        ...

    def seconds_until(self, at_ms: int) -> float:
        """Return how long to wait before looking whether `at_ms` has come; 0 when it has."""
        ...

    def stamp(self, record: Record) -> Record:
        """Return the record as a handler is to see it."""
        ...


class WallClock:
    """The machine's own clock; a record counts as taken when Kafka took it."""

    def now_ms(self) -> int:
        """Return the milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def seconds_until(self, at_ms: int) -> float:
        """Return the seconds until `at_ms`."""
        return max(at_ms - self.now_ms(), 0) / 1000

    def stamp(self, record: Record) -> Record:
        """Return the record as it is."""
        return record


WALL: Final = WallClock()
_LOOK_AGAIN: Final = 0.02


@dataclass(frozen=True, slots=True)
class Stamped:
    """A record at another time than Kafka took it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class FileClock:
    """Stands at the instant that a file tells, for tests and demonstrations: whoever writes it moves time.

    The file holds one RFC 3339 instant with its offset. Records count as taken at that instant.
    Raises `ClockError`, also later when the file stops telling a time.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: tuple[tuple[int, int], int] | None = None
        self.now_ms()

    def now_ms(self) -> int:
        """Return the instant in milliseconds since the epoch."""
        try:
            status = self._file.stat()
            version = status.st_mtime_ns, status.st_ino
            if self._known is None or self._known[0] != version:
                instant = datetime.fromisoformat(self._file.read_text(encoding="utf-8").strip())
                if instant.tzinfo is None:
                    raise ClockError(f"clock file {self._file}: give the instant with its offset, such as Z")
                self._known = version, int(instant.timestamp() * 1000)
        except (OSError, ValueError) as error:
            raise ClockError(
                f"clock file {self._file} must hold one instant such as 2026-03-02T09:00:00Z: {error}"
            ) from error
        return self._known[1]

    def seconds_until(self, at_ms: int) -> float:
        """Return how soon to look at the file again."""
        return 0.0 if at_ms <= self.now_ms() else _LOOK_AGAIN

    def stamp(self, record: Record) -> Record:
        """Return the record as taken now."""
        return Stamped(
            record.topic,
            record.partition,
            record.offset,
            self.now_ms(),
            record.key,
            record.value,
            record.headers,
        )


def set_clock(file: Path, instant: datetime) -> None:
    """Move the clock that a file is, in one step: a reader sees the old instant or the new one."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(instant.isoformat(), encoding="utf-8")
    new.replace(file)
