"""Holds lanes whose decisions stay unsealed for too long: what can't be proven later is not decided.

Looks at the records that are to be sealed and at the checkpoints that cover them. The oldest record of a
partition that no checkpoint covers must not be older than a bound; while it is, the lane of its number waits.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record

_log = structlog.get_logger(__name__)
_TAIL: Final = 200
"""Records of each partition of checkpoints that are read first; if they don't tell, eight times as many."""
_LOOKS: Final = 20
"""How often it is looked within the bound."""
_SOONEST: Final = 0.2
_LATEST: Final = 15.0
"""Seconds between two looks, at least and at most."""
_FETCH_BYTES: Final = 64 * 1024
"""One record is looked for at a time; whoever works in the same process is not to wait for it."""
_AGAIN: Final = 1.0
"""Seconds before a look that failed is tried again."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is sealed, and what tells so."""

    topics: Sequence[str]
    """Each partition of these is a log."""
    checkpoints: str
    """Lies on this topic, on the partition of the log's own number."""
    covers: Callable[[Record], tuple[Place, int] | None]
    """A checkpoint -> its log, and the offset before which all is sealed; None: it does not count."""
    seconds: float
    """How old an unsealed record may be."""


class Watch:
    """Knows, per partition number, since when something is unsealed."""

    def __init__(self, sealed: Sealed, now: Callable[[], float] = time.time) -> None:
        self._sealed = sealed
        self._now = now
        self._covered: dict[Place, int] = {}
        self._blank: dict[Place, int] = {}
        """Where nothing but marks of transactions lay behind what is covered: no look there is needed."""
        self._since: dict[int, float] | None = None
        """Number -> when its oldest unsealed record was written; None before the first look."""

    def held(self, number: int) -> str | None:
        """Say why the lane of a number is to wait; None when it may go on."""
        if self._since is None:
            return "it is not known yet what is sealed"
        since = self._since.get(number)
        if since is None or self._now() - since <= self._sealed.seconds:
            return None
        return (
            f"sealing has stopped: what was decided since {_moment(since)} is not sealed, and at most "
            f"{self._sealed.seconds:g} s may pass (L233_UNSEALED_SECONDS); see that audit and witness run"
        )

    async def look(self, connection: Connection) -> None:
        """Look again and again, without end. Raises TopicMissingError; KafkaError before a first look."""
        while True:
            try:
                async with reader(connection, _FETCH_BYTES) as source:
                    await self._keep_looking(source)
            except (KafkaError, OSError, TimeoutError) as error:
                if self._since is None:
                    raise
                _log.warning("sealing_not_seen", error=repr(error))
                await asyncio.sleep(_AGAIN)

    async def _keep_looking(self, source: Reader) -> None:
        checkpoints = await source.places([self._sealed.checkpoints])
        logs = await source.places(self._sealed.topics)
        ends = await source.ends(checkpoints)
        await self._last_of(source, ends, logs)
        pause = min(max(self._sealed.seconds / _LOOKS, _SOONEST), _LATEST)
        while True:
            self._since = await self._unsealed(source, logs)
            await asyncio.sleep(pause)
            before, ends = ends, await source.ends(checkpoints)
            await self._take(source, _beyond(ends, before), before)

    async def _last_of(self, source: Reader, ends: Mapping[Place, int], logs: Sequence[Place]) -> None:
        """Learn from the last checkpoints how far each log is sealed, going back as far as it takes."""
        back, wanted = _TAIL, dict(ends)
        while wanted:
            starts = {place: max(end - back, 0) for place, end in wanted.items()}
            await self._take(source, wanted, starts)
            silent = {number for topic, number in logs if (topic, number) not in self._covered}
            wanted = {at: end for at, end in wanted.items() if starts[at] > 0 and at[1] in silent}
            back *= 8

    async def _take(self, source: Reader, ends: Mapping[Place, int], starts: Mapping[Place, int]) -> None:
        async for batch in source.read_as_written(ends, starts):
            for record in batch:
                found = self._sealed.covers(record)
                if found is not None and found[0][1] == record.partition:
                    place, end = found
                    self._covered[place] = max(end, self._covered.get(place, 0))

    async def _unsealed(self, source: Reader, logs: Iterable[Place]) -> dict[int, float]:
        """Return, by number, when the oldest record was written that no checkpoint covers."""
        found: dict[int, float] = {}
        behind = _beyond(await source.ends(logs), self._covered)
        for place, end in _beyond(behind, self._blank).items():
            self._blank[place] = end  # what lies between is often no record but the mark of a transaction
            async for batch in source.read_as_written(
                {place: end}, {place: self._covered.get(place, 0)}, at_once=1
            ):
                written = batch[0].timestamp / 1000
                found[place[1]] = min(written, found.get(place[1], written))
                del self._blank[place]
                break
        return found


def _beyond(ends: Mapping[Place, int], known: Mapping[Place, int]) -> dict[Place, int]:
    """Return the ends of the places that go on beyond what is known of them."""
    return {place: end for place, end in ends.items() if end > known.get(place, 0)}


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
