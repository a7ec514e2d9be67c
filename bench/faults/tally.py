"""Compares what must stand on the topics with what stands there, fact by fact."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

Fact = str
"""One record that must be there once, in words: topic, place and identity."""

_SHOWN: Final = 5


class Tally:
    """Takes what is expected and what is found, in any order; every fact should come out even."""

    def __init__(self) -> None:
        self._open: Counter[Fact] = Counter()
        self.expected = 0

    def expect(self, fact: Fact) -> None:
        """Note that a fact must be there, once more."""
        self.expected += 1
        self._add(fact, 1)

    def found(self, fact: Fact) -> None:
        """Note that a fact is there, once more."""
        self._add(fact, -1)

    def _add(self, fact: Fact, by: int) -> None:
        count = self._open[fact] + by
        if count:
            self._open[fact] = count
        else:
            del self._open[fact]

    @property
    def lost(self) -> int:
        """How many expected facts are not there."""
        return sum(count for count in self._open.values() if count > 0)

    @property
    def duplicated(self) -> int:
        """How many facts are there once too often, or were not expected at all."""
        return -sum(count for count in self._open.values() if count < 0)

    def examples(self) -> Sequence[str]:
        """Return a few of the facts that don't come out even."""
        return [
            f"{'lost' if count > 0 else 'too often'}: {fact}"
            for fact, count in list(self._open.items())[: 2 * _SHOWN]
        ]


class Order:
    """Counts records that stand behind a later one of the same worker."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int, bytes], int] = {}
        self.broken = 0

    def take(self, topic: str, partition: int, worker: bytes, caused_by: int) -> None:
        """Take the next record of a partition, with the offset of the input record that caused it."""
        place = (topic, partition, worker)
        if caused_by < self._last.get(place, -1):
            self.broken += 1
        else:
            self._last[place] = caused_by
