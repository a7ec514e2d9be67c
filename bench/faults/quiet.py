"""Tells when all has been worked: nothing waits before a role, nothing is under way, nothing is due."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.timers import PREFIX, due_at
from streaming.topics import Registry, RoleTopics

_POLL: Final = 0.2
_ASK_SECONDS: Final = 30.0
_PATIENCE: Final = 60.0
"""Seconds for which a Kafka that answers with errors is asked again."""


class NotQuietError(Exception):
    """Something is still to be done when the time is over."""


class Ends:
    """Where places end: for those who read what is committed, and for those who read everything."""

    def __init__(self, bootstrap: str, places: Iterable[Place]) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
        self._latest = {TopicPartition(*place): OffsetSpec.latest() for place in places}

    def committed(self) -> dict[Place, int]:
        """Return the offset after the last record before which every transaction has ended."""
        return self._look(IsolationLevel.READ_COMMITTED)

    def written(self) -> dict[Place, int]:
        """Return the offset after the last record: beyond `committed`, a transaction is open."""
        return self._look(IsolationLevel.READ_UNCOMMITTED)

    def _look(self, isolation: IsolationLevel) -> dict[Place, int]:
        until = time.monotonic() + _PATIENCE
        while True:
            asked = self._admin.list_offsets(
                self._latest, isolation_level=isolation, request_timeout=_ASK_SECONDS
            )
            try:
                return {(at.topic, at.partition): found.result().offset for at, found in asked.items()}
            except KafkaException:  # a broker that has just come back, which the client knows otherwise
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL)


@dataclass(slots=True)
class _Timers:
    """The timers that roles have set, as their changelogs tell."""

    _set: "defaultdict[Place, set[bytes]]" = field(default_factory=lambda: defaultdict(set))
    _read: dict[Place, int] = field(default_factory=dict)

    async def read(self, source: Reader, ends: Mapping[Place, int]) -> None:
        """Take what changelogs tell up to these ends."""
        more = {place: end for place, end in ends.items() if end > self._read.get(place, 0)}
        async for batch in source.read(more, self._read):
            place = batch[0].topic, batch[0].partition
            for record in batch:
                if record.key is None or not record.key.startswith(PREFIX):
                    continue
                if record.value is None:
                    self._set[place].discard(record.key)
                else:
                    self._set[place].add(record.key)
        self._read.update(more)

    def due(self, at_ms: int) -> tuple[Place, int] | None:
        """Return a changelog that holds timers due by an instant, and how many."""
        for place, keys in self._set.items():
            if count := sum(due_at(key) <= at_ms for key in keys):
                return place, count
        return None


async def settled(
    connection: Connection,
    registry: Registry,
    roles: Sequence[str],
    seconds: float,
    *,
    at_ms: int = 0,
    looked: Callable[[str], None] = lambda _: None,
) -> None:
    """Return once these roles have no record, no open transaction and no timer due by `at_ms` before them.

    Nothing new can come of them then, while their clock stands at that instant and nobody feeds them. What
    else runs, such as what seals their records, is not looked at. `looked` gets, in words, what is left.
    Raises `NotQuietError`.
    """
    until = time.monotonic() + seconds
    chosen = {name: registry.roles[name] for name in roles}
    timers = _Timers()
    async with reader(connection) as source:
        places = await source.places(
            {topic for role in chosen.values() for topic in (*role.inputs, role.state, *role.outputs)}
        )
        states = {role.state for role in chosen.values()}
        ends = Ends(connection.bootstrap, places)
        while True:
            committed = await asyncio.to_thread(ends.committed)
            left = await _waiting(source, committed, chosen)
            if left is None:
                await timers.read(
                    source, {place: end for place, end in committed.items() if place[0] in states}
                )
                if (due := timers.due(at_ms)) is not None:
                    left = f"{due[1]} timers of {due[0]} are due"
                # Last, so that what has come since, or is not committed yet, is seen.
                elif await asyncio.to_thread(ends.written) != committed:
                    left = "a transaction is under way"
                else:
                    return
            looked(left)
            if time.monotonic() > until:
                raise NotQuietError(f"after {seconds:.0f} s, {left}")
            await asyncio.sleep(_POLL)


async def _waiting(source: Reader, ends: Mapping[Place, int], roles: Mapping[str, RoleTopics]) -> str | None:
    """Say where committed records wait for one of these roles, and how many at least."""
    positions: dict[Place, int] = {}
    inputs: set[str] = set()
    for role, topics in roles.items():
        worked = await source.worked(f"l233.{role}")
        inputs.update(topics.inputs)
        for place in ends:
            if place[0] in topics.inputs:  # several roles may read it: the last of them counts
                positions[place] = min(worked.get(place, 0), positions.get(place, worked.get(place, 0)))
    ahead = {
        place: end for place, end in ends.items() if place[0] in inputs and end > positions.get(place, 0)
    }
    # What lies between is often no record but the marker of a transaction.
    async for batch in source.read(ahead, positions):
        return f"{len(batch)} records or more wait in {batch[0].topic} {batch[0].partition}"
    return None
