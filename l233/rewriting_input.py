"""Taking a worker out of the input topic at once: what others sent is archived, all of it goes from Kafka.

Kafka can't delete single records of a topic that is not compacted, only the beginning of a partition, and
decisions cite offsets, so nothing can be written again elsewhere. Only partitions on which he was are cut.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from l233.erased import input_was_erased, stub
from l233.errors import L233Error
from schemas.topics import INPUT
from streaming import rewriting
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record

PATIENCE: Final = 60.0
"""Seconds that intake has for what came before the cut."""
_POLL: Final = 0.2
_GROUP: Final = "l233.intake"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A partition of the input whose beginning was taken out: before which offset, and what is left of it."""

    partition: int
    before: int
    archived: int
    taken_out: int


async def rewrite(connection: Connection, gone: Mapping[Place, Collection[int]]) -> list[Rewritten]:
    """Take records out of the input; `gone` are their offsets by place. Returns what was done, by partition.

    Raises KafkaError; L233Error when intake does not work what is before the cut: nothing was deleted then,
    and it can be done again.
    """
    archive = connection.archive
    if archive is None:
        raise L233Error("there is no folder for what others sent: set L233_ARCHIVE")
    if not gone:
        return []
    numbers = sorted({number for _, number in gone})
    ends = await rewriting.begin_segments(connection, INPUT, numbers)
    async with reader(connection) as source:
        await _worked(source, ends)
        erasures = connection.veil.erasures()
        done = [
            await _archived(source, archive.replaced(*place, end), _Cut(place, end, gone[place], erasures))
            for place, end in ends.items()
        ]
    await rewriting.drop_before(connection, ends)
    return done


async def _worked(source: Reader, ends: Mapping[Place, int]) -> None:
    """Return once intake has worked everything before the cut."""
    for _ in range(round(PATIENCE / _POLL)):
        worked = await source.worked(_GROUP)
        left = {place: end for place, end in ends.items() if end > worked.get(place, 0)}
        starts = {place: worked.get(place, 0) for place in left}
        if not [records async for records in source.read_as_written(left, starts)]:
            return
        await asyncio.sleep(_POLL)
    raise L233Error(
        "intake has not worked all that came before: start it, wait until `l233 status` shows no lag, then "
        "erase with --rewrite-input again; nothing was deleted from Kafka"
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is taken out of a place: what lies before `end`; the content of `gone` and of who was erased."""

    place: Place
    end: int
    gone: Collection[int]
    erasures: Mapping[bytes, int]


async def _archived(
    source: Reader, writing: AbstractContextManager[Callable[[Record], None]], cut: _Cut
) -> Rewritten:
    """Put what lies before the cut into the archive, with what is there; of who is gone, no content."""
    kept = taken_out = 0
    with writing as put:
        async for records in source.read_as_written({cut.place: cut.end}):
            for record in records:
                gone = record.offset in cut.gone or input_was_erased(record, cut.erasures)
                put(stub(record) if gone else record)
                taken_out += gone
                kept += not gone
    return Rewritten(cut.place[1], cut.end, kept, taken_out)
