"""Tells when everything has been worked: no role has a committed record before it that it has not read."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from streaming.client import Connection
from streaming.reading import Reader, reader
from streaming.topics import Registry

_POLL: Final = 0.5
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
        while quiet < _IN_A_ROW:
            left = [await _waiting(role, source, registry) for role in registry.roles]
            quiet = 0 if any(left) else quiet + 1
            looked(sum(left))
            if time.monotonic() > until:
                waiting = {role: count for role, count in zip(registry.roles, left, strict=True) if count}
                raise NotQuietError(f"after {seconds:.0f} s, records still wait: {waiting}")
            await asyncio.sleep(_POLL)


async def _waiting(role: str, source: Reader, registry: Registry) -> int:
    """Return how many committed records a role has not worked yet, at least."""
    positions = await source.worked(f"l233.{role}")
    ends = await source.ends(await source.places(registry.roles[role].inputs))
    ahead = {place: end for place, end in ends.items() if end > positions.get(place, 0)}
    if not ahead:
        return 0
    # What lies between is often no record but the marker of a transaction.
    async for batch in source.read(ahead, positions):
        return len(batch)
    return 0
