"""Compares what workers left on disk with what a restore from the changelogs into empty folders gives.

The workers must have stopped: a store belongs to one process at a time.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.faults.remembered import Remembered, cases_remember, quality_kept
from bench.faults.replayed import Place
from streaming import changelog
from streaming.client import Connection
from streaming.faust_role import wall_clock_ms
from streaming.store import RESERVED, Store
from streaming.topics import Registry, RoleTopics

Entries = dict[bytes, bytes]
_KEPT_AS: Final[defaultdict[str, Callable[[Entries], Remembered]]] = defaultdict(
    lambda: dict, {"cases": cases_remember, "quality": quality_kept}
)
"""How the state of a role is compared: to the byte, or as facts whatever their order."""
_SHOWN: Final = 120
_AT_ONCE: Final = 8
_KEPT: Final = 10**12
"""Milliseconds: no store is too old to be looked at."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One role at one partition number."""

    role: str
    number: int

    def __str__(self) -> str:
        return f"{self.role}.{self.number}"


class Rebuilt:
    """Restores every lane into `scratch` and compares it with the folders in `state`."""

    def __init__(self, connection: Connection, registry: Registry, state: Path, scratch: Path) -> None:
        self._connection = connection
        self._registry = registry
        self._state = state
        self._scratch = scratch

    async def differences(
        self, remembered: Mapping[str, Mapping[int, Remembered]], last: Mapping[Place, int]
    ) -> Sequence[str]:
        """Return every way in which a lane's state is not what it should be, in words.

        Args:
            remembered: by role and lane, what it must remember; no other role is looked at.
            last: the offset of the last record of each input partition: positions stand behind it.
        """
        # A few side by side: a restore is mostly waiting, and of a long run what it holds is much.
        room = asyncio.Semaphore(_AT_ONCE)

        async def looked_at(lane: Lane) -> Sequence[str]:
            async with room:
                return await self._lane(lane, remembered[lane.role][lane.number], last)

        lanes = [Lane(role, number) for role in remembered for number in range(self._registry.partitions)]
        return [one for found in await asyncio.gather(*map(looked_at, lanes)) for one in found]

    async def _lane(self, lane: Lane, expected: Remembered, last: Mapping[Place, int]) -> Sequence[str]:
        entries = await self._restored(self._scratch / str(lane), lane)
        kept = {key: value for key, value in entries.items() if not key.startswith(RESERVED)}
        memory = _KEPT_AS[lane.role](kept)
        found = list(_positions(lane, self._registry.roles[lane.role], entries, last))
        if memory != expected:
            found.append(f"{lane}: the changelog does not hold what the topics make: ")
            found[-1] += _first_difference(memory, expected)
        return [*found, *await self._on_disk(lane, entries)]

    async def _on_disk(self, lane: Lane, rebuilt: Entries) -> Sequence[str]:
        """Compare every worker's store: the newest as it is, each one once it has caught up."""
        left = {folder: _left(folder) for folder in self._state.glob(f"*/*/{lane.role}/{lane.number}")}
        if not left:
            return [f"{lane}: no worker kept a store"]
        found = []
        offset, newest = max(left.values(), key=lambda one: one[0])
        if newest != rebuilt:
            found.append(
                f"{lane}: the newest store, at {offset} of the changelog, is not what that gives: "
                f"{_first_difference(newest, rebuilt)}; stores are at {[at for at, _ in left.values()]}"
            )
        late = [folder for folder in left if await self._restored(folder, lane) != rebuilt]
        return found + [f"{lane}: {folder} does not catch up with its changelog" for folder in late]

    async def _restored(self, folder: Path, lane: Lane) -> Entries:
        store = Store(folder)
        try:
            await changelog.restore(
                store,
                self._registry.roles[lane.role].state,
                lane.number,
                self._connection,
                now_ms=wall_clock_ms,
                tombstones_kept_ms=_KEPT,
            )
            return dict(store.items())
        finally:
            store.close()


def _left(folder: Path) -> tuple[int, Entries]:
    """Return what stands in a store, and how far in the changelog it says that it is."""
    store = Store(folder)
    try:
        offset, _ = store.applied() or (0, 0)
        return offset, dict(store.items())
    finally:
        store.close()


def _first_difference(kept: Remembered, rebuilt: Remembered) -> str:
    """Return how many keys differ, and the first of them with both values, cut short."""
    keys = sorted(key for key in kept.keys() | rebuilt.keys() if kept.get(key) != rebuilt.get(key))
    values = [str(entries.get(keys[0]))[:_SHOWN] for entries in (kept, rebuilt)]
    return f"{len(keys)} keys, such as {keys[0]!r}: {values[0]}, not {values[1]}"


def _positions(lane: Lane, topics: RoleTopics, entries: Entries, last: Mapping[Place, int]) -> Sequence[str]:
    """Compare where the lane goes on with where its inputs end."""
    kept = json.loads(entries.get(changelog.POSITIONS, b"{}"))
    ends = {topic: last[topic, lane.number] + 1 for topic in topics.inputs if (topic, lane.number) in last}
    return [] if kept == ends else [f"{lane}: goes on from {kept}, its inputs end at {ends}"]
