"""Puts dead letters back where they came from: each once, whoever runs it and however often.

What counts as put back is a record on the original topic that carries the letter's id: the same write is the
deed and its trace. Redrives exclude each other by a transactional id, so one that begins sees all that an
earlier one has written or ever will. Only letters that are there at the beginning count, so it never loops.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from agents.world import World
from l233 import dead_letters
from l233.dead_letters import Letter, Selection
from l233.rejudging import REDRIVE_OF_HEADER, Memory, Rejudge, Rejudged, output
from streaming.client import Connection
from streaming.posting import exclusive_poster
from streaming.reading import Place, Reader, reader
from streaming.records import Output
from streaming.veil import Veil

TRANSACTIONAL_ID: Final = "l233.redrive"

_AT_ONCE: Final = 500
"""Letters put back in one transaction."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of each letter, in the order in which they came in."""

    rejudged: tuple[Rejudged, ...]
    unreadable: int


async def plan(connection: Connection, world: World, wanted: Selection) -> Plan:
    """Return what a redrive would do; writes nothing.

    Raises KafkaError, TopicMissingError, UnknownLetterError, UnknownRoleError.
    """
    async with reader(connection) as reading:
        return await _plan(reading, connection.veil, world, wanted)


async def redrive(
    connection: Connection, world: World, wanted: Selection, on_put: Callable[[int], None] = lambda _: None
) -> Plan:
    """Put back every wanted letter that would go on now, and return what was decided for each.

    Raises OvertakenError when another redrive begins meanwhile, and what `plan` raises; what was put back by
    then stays so and is not put back again.
    """
    async with (
        exclusive_poster(connection, TRANSACTIONAL_ID) as writing,
        reader(connection) as reading,
    ):
        decided = await _plan(reading, connection.veil, world, wanted)
        done = 0
        veiled = connection.veil.outgoing
        for chunk in _chunks(veiled(output(one.letter)) for one in decided.rejudged if one.put_back):
            done += len(await writing.put(chunk))
            on_put(done)
        return decided


def _chunks(outputs: Iterator[Output]) -> Iterator[Sequence[Output]]:
    while chunk := list(islice(outputs, _AT_ONCE)):
        yield chunk


async def _plan(reading: Reader, veil: Veil, world: World, wanted: Selection) -> Plan:
    found = await dead_letters.read(reading, wanted)
    redriven = await _redriven(reading, found.letters)
    rejudged: dict[str, Rejudged] = {}
    for role in sorted({letter.role for letter in found.letters}):
        of_role = [letter for letter in found.letters if letter.role == role]
        for one in await _of_role(reading, veil, Rejudge(role, world), of_role, redriven):
            rejudged[one.letter.data.id] = one
    return Plan(tuple(rejudged[letter.data.id] for letter in found.letters), found.unreadable)


async def _redriven(reading: Reader, letters: Iterable[Letter]) -> frozenset[str]:
    """Return the letters that were put back: the record lies behind the original, on the same partition."""
    starts: dict[Place, int] = {}
    for letter in letters:
        place = letter.data.topic, letter.data.partition
        starts[place] = min(starts.get(place, letter.data.offset + 1), letter.data.offset + 1)
    if not starts:
        return frozenset()
    there = set(await reading.places({topic for topic, _ in starts}))
    found: set[str] = set()
    async for records in reading.read(await reading.ends(there & starts.keys()), starts):
        for record in records:
            found.update(
                value.decode("utf-8", "replace")
                for name, value in record.headers
                if name == REDRIVE_OF_HEADER
            )
    return frozenset(found)


async def _of_role(
    reading: Reader, veil: Veil, rejudge: Rejudge, letters: Sequence[Letter], redriven: frozenset[str]
) -> Sequence[Rejudged]:
    """Judge letters; look up what is asked of the role's memory until nothing new is."""
    known: dict[bytes, bytes] = {}
    looked_up: set[tuple[int, bytes]] = set()
    while True:
        memory = Memory(known)
        rejudged = rejudge.all(letters, redriven, memory)
        new = memory.asked - looked_up
        if not new:
            return rejudged
        known |= await _remembered(reading, veil, rejudge.changelog, new)
        looked_up |= new


async def _remembered(
    reading: Reader, veil: Veil, changelog: str, asked: Iterable[tuple[int, bytes]]
) -> dict[bytes, bytes]:
    """Return what the changelog of a role's state holds under some keys of some partitions."""
    wanted = set(asked)
    numbers = {number for number, _ in wanted}
    places = [place for place in await reading.places([changelog]) if place[1] in numbers]
    latest: dict[bytes, bytes | None] = {}
    async for records in reading.read(await reading.ends(places)):
        for record in records:
            if record.key is not None and (record.partition, record.key) in wanted:
                latest[record.key] = record.value
    opened = {key: veil.opened(key, value) for key, value in latest.items() if value is not None}
    return {key: value for key, value in opened.items() if value is not None}
