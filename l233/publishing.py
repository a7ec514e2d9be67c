"""Sends the events of a file in their order and follows what intake answers.

A receipt is known by the place of the record that it answers, so events that are sent twice, or under one id,
are told apart.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from aiokafka.errors import KafkaError

from agents.emission import INPUT_HEADER, OUTCOME_HEADER
from l233.outgoing import Batch, Entry, Outcome
from schemas.records import RECEIPT
from schemas.topics import INPUT, RECEIPTS
from streaming.client import Connection
from streaming.posting import Lies, Poster, poster
from streaming.reading import Place, Reader, reader
from streaming.records import Output, Record

OnCount = Callable[[int], None]

_AT_ONCE: Final = 1_000
_PAUSE: Final = 0.1


class PublishingStopped(Exception):
    """Kafka failed on the way: `taken` events were taken for certain."""

    def __init__(self, taken: int, cause: KafkaError) -> None:
        super().__init__(f"after {taken} events: {cause}")
        self.taken = taken
        self.cause = cause


async def publish(
    connection: Connection, batch: Batch, patience: float | None, on_sent: OnCount, on_answered: OnCount
) -> None:
    """Send a batch and enter what became of each event.

    Args:
        connection: where Kafka is.
        batch: what to send; its entries are brought up to date.
        patience: seconds to wait without another receipt of ours; None: don't wait for any.
        on_sent: told how many were taken so far.
        on_answered: told how many have their receipt so far.

    Raises:
        TopicMissingError: before anything is sent.
        PublishingStopped: when Kafka fails on the way.
        KafkaError: when Kafka can't be reached in the first place.
    """
    async with reader(connection) as reading, poster(connection) as writing:
        places = await reading.places([INPUT, RECEIPTS])
        starts = await reading.ends([place for place in places if place[0] == RECEIPTS])
        pending: dict[Lies, int] = {}
        try:
            async for where in _sent(writing, batch):
                pending |= where
                on_sent(len(pending))
            if patience is not None:
                await _answered(reading, batch.entries, starts, pending, patience=patience, tell=on_answered)
        except KafkaError as error:
            raise PublishingStopped(len(pending), error) from error


async def _sent(writing: Poster, batch: Batch) -> AsyncIterator[Mapping[Lies, int]]:
    """Yield where the next events lie, with their index among the entries."""
    for chunk in _chunks(batch.outputs()):
        where = await writing.put(output for _, output in chunk)
        for (index, _), (partition, offset) in zip(chunk, where, strict=True):
            batch.entries[index] = replace(batch.entries[index], partition=partition, offset=offset)
        yield {lies: index for lies, (index, _) in zip(where, chunk, strict=True)}


def _chunks(outputs: Iterator[tuple[int, Output]]) -> Iterator[Sequence[tuple[int, Output]]]:
    while chunk := list(islice(outputs, _AT_ONCE)):
        yield chunk


async def _answered(
    reading: Reader,
    entries: list[Entry],
    starts: Mapping[Place, int],
    pending: dict[Lies, int],
    *,
    patience: float,
    tell: OnCount,
) -> None:
    """Enter the receipts that come, until all are there or none has come for as long as `patience` says."""
    everything, position = len(pending), dict(starts)
    deadline = time.monotonic() + patience
    while pending and time.monotonic() < deadline:
        ends = await reading.ends(position)
        fresh = {place: end for place, end in ends.items() if end > position[place]}
        if not fresh:
            await asyncio.sleep(_PAUSE)
            continue
        async for records in reading.read(fresh, position):
            for record in records:
                place = _answered_place(record)
                if place is not None and (index := pending.pop(place, None)) is not None:
                    entries[index] = _with_receipt(entries[index], record)
                    deadline = time.monotonic() + patience
        position |= fresh
        tell(everything - len(pending))


def _answered_place(record: Record) -> Lies | None:
    """Return where the record lies that a receipt answers; None: a case answers an acknowledgement."""
    place = dict(record.headers).get(INPUT_HEADER)
    if place is None:
        return None
    partition, _, offset = place.partition(b"/")
    return int(partition), int(offset)


def _with_receipt(entry: Entry, record: Record) -> Entry:
    receipt = RECEIPT.validate_json(record.value or b"")
    if receipt.verdict == "refused":
        return replace(entry, outcome="refused", reason=receipt.reason, errors=receipt.errors)
    again = any(name == OUTCOME_HEADER and value == b"duplicate" for name, value in record.headers)
    outcome: Outcome = "duplicate" if again else "registered"
    return replace(entry, outcome=outcome, scheme=receipt.scheme, case=receipt.case)
