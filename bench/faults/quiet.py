"""Tells when everything has been worked: no role has a committed record before it that it has not read."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.topics import Registry

_POLL: Final = 0.2
_IN_A_ROW: Final = 3
"""A commit shows in the group's offsets a moment before it shows in the last of its partitions."""


class NotQuietError(Exception):
    """Records are still waiting when the time is over."""


async def settled(
    connection: Connection,
    registry: Registry,
    seconds: float,
    looked: Callable[[int], None] = lambda _: None,
) -> None:
    """Return once nothing waits before any role, some looks in a row. Raises `NotQuietError`.

    `looked` gets how many records wait, at least.
    """
    until = time.monotonic() + seconds
    quiet = 0
    async with reader(connection) as source:
        inputs = await source.places({topic for role in registry.roles.values() for topic in role.inputs})
        while quiet < _IN_A_ROW:
            place, waiting = await _waiting(source, inputs, registry)
            quiet = 0 if waiting else quiet + 1
            looked(waiting)
            if time.monotonic() > until:
                raise NotQuietError(f"after {seconds:.0f} s, {waiting} records or more wait in {place}")
            await asyncio.sleep(_POLL)


async def _waiting(source: Reader, inputs: list[Place], registry: Registry) -> tuple[Place | None, int]:
    """Return a place where committed records wait for their role, and how many wait there at least."""
    positions: dict[Place, int] = {}
    for role, topics in registry.roles.items():
        worked = await source.worked(f"l233.{role}")
        for place in inputs:
            if place[0] in topics.inputs:  # several roles may read it: the last of them counts
                positions[place] = min(worked.get(place, 0), positions.get(place, worked.get(place, 0)))
    ends = await source.ends(inputs)
    ahead = {place: end for place, end in ends.items() if end > positions.get(place, 0)}
    # What lies between is often no record but the marker of a transaction.
    async for batch in source.read(ahead, positions):
        return (batch[0].topic, batch[0].partition), len(batch)
    return None, 0
