"""Puts an organism's acknowledgement on the input topic, and follows what intake and the case make of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from agents.emission import source
from coordination import ids
from l233.outgoing import Batch, Entry
from l233.publishing import publish
from schemas.events import type_of
from schemas.records import CASE, RECEIPT, CaseState
from schemas.strict_json import write
from schemas.topics import CASES, RECEIPTS
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record

_JUDGE: Final = source("cases").encode()
_PAUSE: Final = 0.1


class Level(StrEnum):
    """What may be said from outside."""

    REPORTED = "reported"
    SETTLED = "settled"
    REFUSED = "refused"


Answer = Literal["taken", "taken_late", "declined", "waiting"]
"""What the case makes of it. `waiting`: no part of the case is known yet that it answers."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an organism says on a case; `at` RFC 3339."""

    case: str
    worker: str
    organism: str
    level: Level
    own: Mapping[str, object]
    """`code` and `reasons`, or `reason`."""
    event: str | None
    at: str
    source: str

    @property
    def id(self) -> str:
        """Its id: the same words at the same time are one acknowledgement."""
        said = write(self.own).decode()
        return ids.uuid5(
            "outside", self.worker, self.case, self.organism, self.level, said, self.event or "", self.at
        )

    def line(self) -> bytes:
        """Return it as an event in structured JSON."""
        cause = {} if self.event is None else {"causationid": self.event}
        return write(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": self.source,
                "type": type_of(f"acknowledgement.{self.level}"),
                "subject": self.worker,
                "time": self.at,
                "correlationid": self.case,
                **cause,
                "data": {"organism": self.organism, **self.own},
            }
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What the case answered, and why where it declined."""

    answer: Answer
    why: str | None = None


async def workers_of(connection: Connection, case: str) -> list[str]:
    """Return the workers who have a case of this id, from the latest cases: mostly one."""
    found = set[str]()
    async with reader(connection) as reading:
        places = await reading.places([CASES])
        async for records in reading.read(await reading.ends(places)):
            for record in records:
                worker, _, named = (record.key or b"").partition(b"/")
                if named == case.encode() and record.value is not None:
                    found.add(worker.decode())
    return sorted(found)


async def acknowledge(
    connection: Connection, given: Given, batch: Batch, patience: float
) -> tuple[Entry, Judged | None]:
    """Send a batch with the acknowledgement alone, and return its receipt and what the case answers.

    None: the case has not answered in time, or was not asked, since intake refused.

    Raises:
        TopicMissingError: before anything is sent.
        PublishingStopped: when Kafka fails on the way.
        KafkaError: when Kafka can't be reached.
    """
    async with reader(connection) as reading:
        starts = await reading.ends(await reading.places([RECEIPTS, CASES]))
        await publish(connection, batch, patience, _silent, _silent)
        (entry,) = batch.entries
        if entry.outcome not in {"registered", "duplicate"}:
            return entry, None
        if entry.outcome == "duplicate":  # the case may have answered long ago
            starts = dict.fromkeys(starts, 0)
        return entry, await _judged(reading, given, starts, patience)


def _silent(_: int) -> None:
    pass


async def _judged(
    reading: Reader, given: Given, starts: Mapping[Place, int], patience: float
) -> Judged | None:
    latest: Judged | None = None
    deadline, position = time.monotonic() + patience, dict(starts)
    while (latest is None or latest.answer == "waiting") and time.monotonic() < deadline:
        async for record in _fresh(reading, position):
            latest = _answer(record, given) or latest
        await asyncio.sleep(_PAUSE)
    return latest


async def _fresh(reading: Reader, position: dict[Place, int]) -> AsyncIterator[Record]:
    ends = await reading.ends(position)
    fresh = {place: end for place, end in ends.items() if end > position[place]}
    async for records in reading.read(fresh, position):
        for record in records:
            yield record
    position |= fresh


def _answer(record: Record, given: Given) -> Judged | None:
    """Return what a record says of the acknowledgement, if it says anything."""
    if record.topic == CASES:
        if record.key != f"{given.worker}/{given.case}".encode() or record.value is None:
            return None
        return answer_in(CASE.validate_json(record.value), given.id)
    headers = dict(record.headers)
    if headers.get("ce_source") != _JUDGE or headers.get("ce_causationid") != given.id.encode():
        return None
    refused = RECEIPT.validate_json(record.value or b"")
    return Judged("declined", "; ".join(error.message for error in refused.errors) or refused.reason)


def answer_in(case: CaseState, id_: str) -> Judged | None:
    """Return what a case makes of an acknowledgement, if it knows it."""
    for declined in case.declined:
        if declined.id == id_:
            return Judged("declined", declined.why)
    told = [one for part in case.recipients for one in part.given if one.id == id_]
    if told:
        return Judged("taken_late" if all(one.late for one in told) else "taken")
    return Judged("waiting") if any(one.id == id_ for one in case.waiting) else None
