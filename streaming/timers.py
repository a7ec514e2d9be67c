"""Timers are state: what is due next is the first of their keys, one look away, however many there are."""

from typing import NamedTuple, Self

PREFIX = b"\x01"
_INSTANT_BYTES = 8


class Timer(NamedTuple):
    """Something to be done at an instant, in milliseconds since the epoch; `name` is the handler's own."""

    at_ms: int
    name: bytes
    value: bytes

    @property
    def key(self) -> bytes:
        """The state key it is kept under."""
        return timer_key(self.at_ms, self.name)

    @classmethod
    def read(cls, key: bytes, value: bytes) -> Self:
        """Return the timer that a state entry is."""
        start = len(PREFIX) + _INSTANT_BYTES
        return cls(due_at(key), key[start:], value)


def timer_key(at_ms: int, name: bytes) -> bytes:
    """Return the state key of a timer: writing a value there sets it, writing None cancels it.

    Keys sort by instant, those of one instant by name. An instant before the epoch counts as the epoch.
    """
    return PREFIX + max(at_ms, 0).to_bytes(_INSTANT_BYTES, "big") + name


def due_at(key: bytes) -> int:
    """Return the instant (milliseconds) that a timer's key tells."""
    return int.from_bytes(key[len(PREFIX) : len(PREFIX) + _INSTANT_BYTES], "big")
