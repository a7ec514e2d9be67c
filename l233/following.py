"""Following a stream from the outside: the account so far, and whether every role has worked it."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from coordination.conservation import TOPICS, Account, Ledger
from schemas.topics import CASES
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.topics import Registry


class Follower:
    """Reads what was committed since it last looked. Commits nothing, and no role notices it."""

    def __init__(self, connection: Connection, registry: Registry) -> None:
        self._connection = connection
        self._registry = registry
        self._ledger = Ledger(registry.partitions)
        self._seen: dict[Place, int] = {}
        self._last: dict[Place, int] = {}
        """The last record of each place, which is not where the place ends: transactions leave marks."""

    async def __aenter__(self) -> Self:
        """Connect."""
        self._opened = reader(self._connection)
        self._reader: Reader = await self._opened.__aenter__()
        self._places = await self._reader.places(TOPICS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._opened.__aexit__(kind, error, trace)

    async def look(self) -> Account:
        """Read on to where the topics end now, and return the account of everything so far."""
        ends = await self._reader.ends(self._places)
        wanted = {place: end for place, end in ends.items() if end > self._seen.get(place, 0)}
        if wanted:
            async for records in self._reader.read(wanted, self._seen):
                for record in records:
                    self._ledger.take(record)
                place = (records[-1].topic, records[-1].partition)
                self._last[place] = records[-1].offset
        self._seen.update(ends)
        return self._ledger.account()

    async def settled(self, account: Account) -> bool:
        """Say whether everything that arrived so far is accounted for, answered, and folded into its case."""
        if account.total.residual or account.unanswered:
            return False
        cases = self._registry.roles["cases"].inputs
        worked = await self._reader.worked(CASES)
        left = [
            place for place, last in self._last.items() if place[0] in cases and worked.get(place, 0) <= last
        ]
        return not left


async def lags(connection: Connection, registry: Registry) -> Mapping[str, int]:
    """Return, per role, how many offsets its lanes have before them.

    A mark that a transaction leaves counts as one, so a role that has worked everything may still show one
    for each partition of its inputs.
    """
    async with reader(connection) as open_reader:
        found = {}
        for name, topics in registry.roles.items():
            ends = await open_reader.ends(await open_reader.places(topics.inputs))
            worked = await open_reader.worked(f"l233.{name}")
            found[name] = sum(max(end - worked.get(place, 0), 0) for place, end in ends.items())
        return found
