"""The demonstration's day: a realistic one goes through the whole system, and everything is accounted for.

What was planted in the day (which records are broken, repeated, wrongly keyed…) is known, so the account
is compared with it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path

from coordination import ids
from coordination.conservation import Account
from coordination.instants import PARIS
from l233.day import GeneratedRecord, generate
from l233.errors import L233Error
from l233.following import Follower
from l233.running import System
from schemas.envelope import unpack
from schemas.topics import INPUT
from schemas.validation import Event, validate
from streaming.client import Connection
from streaming.clock import set_clock
from streaming.posting import poster
from streaming.records import Output

MONDAY = date(2026, 10, 5)
"""The day of the demonstration: an ordinary one, after the months of its stories."""
_EVENING = datetime.combine(MONDAY, time_of_day(22), PARIS)
"""When the day is published: nothing in it is later, and nothing is late."""
SETTLE_SECONDS = 300.0
_TOLD = ("territory.changed", "sick-leave.received")
_AT_ONCE = 1_000
"""Records handed over before the first of them is waited for."""


@dataclass(frozen=True, slots=True)
class Day:
    """The records of a day, as many as arrive: one that is put back under the right key arrives twice."""

    records: tuple[GeneratedRecord, ...]

    @property
    def planted(self) -> Mapping[str, int]:
        """How many records are expected to end how."""
        return Counter(record.expected for record in self.records)

    @property
    def arriving(self) -> int:
        """How many records arrive."""
        return sum(2 if record.expected == "rekeyed" else 1 for record in self.records)

    @property
    def types(self) -> Mapping[str, int]:
        """How many records there are of each event."""
        return dict(sorted(Counter(record.name for record in self.records).items()))


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told how far the day is."""

    on_published: Callable[[int], None]
    on_account: Callable[[Account], None]


def day(seed: int, events: int) -> Day:
    """Return a day on which exactly `events` records arrive, those put back counted twice."""
    return Day(tuple(_until(generate(seed, events, MONDAY), events)))


def _until(records: Iterable[GeneratedRecord], arriving: int) -> Iterator[GeneratedRecord]:
    arrived = 0
    for record in records:
        arrived += 2 if record.expected == "rekeyed" else 1
        if arrived > arriving:
            return
        yield record


async def live(
    system: System,
    clock: Path,
    planned: Day,
    before: int,
    told: Told,
) -> Account:
    """Publish the day, follow it until it has settled, and return the account of all there is.

    `before` records came in already; `clock` is the file by which the workers tell the time.

    Raises L233Error when a worker ends, or when the day has not settled within its bound.
    """
    set_clock(clock, _EVENING)
    connection = system.settings.connection()
    publishing = asyncio.create_task(_publish(connection, planned, told.on_published))
    async with Follower(connection, system.registry) as follower:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            account = await follower.look()
            told.on_account(account)
            if publishing.done():
                published = publishing.result()
                if account.total.received >= before + published and await follower.settled(account):
                    return account
            system.workers.require_alive()
            if time.monotonic() > deadline:
                raise L233Error(
                    f"the day has not settled within {SETTLE_SECONDS:.0f} s: {account.total}; the workers' "
                    f"logs are in {system.workers.folder}"
                )
            await asyncio.sleep(0.5)


async def _publish(connection: Connection, planned: Day, on_published: Callable[[int], None]) -> int:
    published = 0
    async with poster(connection) as writer:
        for start in range(0, len(planned.records), _AT_ONCE):
            records = planned.records[start : start + _AT_ONCE]
            published += len(
                await writer.put(
                    Output(INPUT, one.key, one.value, one.headers, one.partition) for one in records
                )
            )
            on_published(published)
    return published


def cases_to_tell(planned: Day) -> list[str]:
    """Return the ids of two cases of the day that show how organisms work together."""
    found = []
    for name in _TOLD:
        for record in planned.records:
            if record.name == name and record.expected == "routed":
                said = validate(unpack(record.value, record.headers))
                if isinstance(said, Event):
                    found.append(ids.case_id(said, said.correlationid))
                    break
    return found


def differences(planned: Day, routed_before: int, account: Account) -> list[str]:
    """Return what came out otherwise than planted, one line each; empty when all is as it should be."""
    expected = Counter(planned.planted) + Counter(routed=routed_before)
    rekeyed = expected.pop("rekeyed", 0)
    found = Counter(account.reasons) + Counter(
        routed=account.total.routed - rekeyed, duplicate=account.total.duplicates
    )
    lines = [
        f"{what}: {expected[what]} planted, {found[what]} found"
        for what in sorted(expected | found)
        if expected[what] != found[what]
    ]
    if account.total.rekeyed != rekeyed:
        lines.append(f"rekeyed: {rekeyed} planted, {account.total.rekeyed} found")
    return lines
