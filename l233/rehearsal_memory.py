"""The state of one role, in memory: what a lane keeps on disk, for all partitions together."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping

from streaming.timers import PREFIX


class Memory:
    """What a role's handler looks up; keys are by worker, so partitions never meet."""

    __slots__ = ("_kept", "_on_timer", "_ordered", "get")

    def __init__(self, on_timer: Callable[[bytes], None]) -> None:
        """Begin with nothing; `on_timer` is told the key of every timer that is set."""
        self._kept: dict[bytes, bytes] = {}
        self._ordered: list[bytes] | None = None
        """The keys in order, from the first scan on: most roles never ask for one."""
        self._on_timer = on_timer
        self.get: Callable[[bytes], bytes | None] = self._kept.get

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return every key that begins so, with its value, in the order of the keys."""
        if self._ordered is None:
            self._ordered = sorted(self._kept)
        found = []
        for at in range(bisect_left(self._ordered, prefix), len(self._ordered)):
            key = self._ordered[at]
            if not key.startswith(prefix):
                break
            found.append((key, self._kept[key]))
        return iter(found)

    def take(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Keep what a handler writes; None forgets."""
        kept, ordered = self._kept, self._ordered
        for key, value in writes.items():
            if value is None:
                if key in kept:
                    self._forget(key)
                continue
            if ordered is not None and key not in kept:
                insort(ordered, key)
            kept[key] = value
            if key.startswith(PREFIX):
                self._on_timer(key)

    def _forget(self, key: bytes) -> None:
        del self._kept[key]
        if self._ordered is not None:
            del self._ordered[bisect_left(self._ordered, key)]
