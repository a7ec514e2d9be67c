"""Decides which events intake may forget: those that were routed longer ago than the input topic keeps any.

Once a day a part of the workers is looked at, another one each day, so that no look is long: an event is
remembered for 400 days at least, and for 656 at most.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from coordination import remembered

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 400 * DAY_MS
"""As long as `l233.events` keeps an event (topics.yaml): sent again, it is a duplicate all that time."""
_PARTS: Final = 256


def first_look(at_ms: int) -> int:
    """Return when there may be something to forget, `at_ms` being when the first event came."""
    return at_ms + KEPT_MS + DAY_MS


def next_look(at_ms: int) -> int:
    """Return when to look next."""
    return at_ms + DAY_MS


def part_of(at_ms: int) -> bytes:
    """Return what the keys begin with that are looked at on a day: the workers of one pair of digits."""
    return remembered.seen_prefix(f"worker:{at_ms // DAY_MS % _PARTS:02x}")


def forgotten(entries: Iterable[tuple[bytes, bytes]], now_ms: int) -> Iterator[bytes]:
    """Return the keys of what may be forgotten; what an older version stored without a time stays."""
    for key, stored in entries:
        routed = remembered.routed_at(stored)
        if routed is not None and routed + KEPT_MS < now_ms:
            yield key
