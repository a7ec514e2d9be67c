"""Plays a file of events on a running system whose clock it moves: months pass in seconds.

What will happen, and when, is rehearsed first. So the clock goes from one instant at which anything happens
to the next, and moves on only when everything that the rehearsal saw at an instant is there.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agents.emission import INPUT_HEADER
from agents.roles import ACTING, roles
from agents.world import World
from l233.errors import L233Error
from l233.rehearsal import Held, Input, Rehearsal, quiet
from schemas.topics import CASES, DEAD_LETTERS, RECEIPTS
from streaming.client import Connection
from streaming.clock import set_clock
from streaming.posting import poster
from streaming.reading import Place, Reader, reader
from streaming.records import Output, Record

SETTLE_SECONDS: Final = 60.0
_BY_PLACE: Final = frozenset({RECEIPTS, DEAD_LETTERS})
"""What is refused is named by the place it lies at, which is another one here: a receipt is waited for."""

Witness = tuple[str, bytes]
"""Topic and CloudEvents id of a record, or, of a receipt, the place of the input that it answers."""


@dataclass(frozen=True, slots=True)
class Step:
    """An instant at which something happens: what is to be sent, and what is there once it is over."""

    at_ms: int
    inputs: tuple[Input, ...]
    witnesses: frozenset[Witness]
    cases: Mapping[bytes, bytes]
    """Key of a case -> how it stands then: of several states in one transaction only the last is written."""


def plan(inputs: Iterable[Input], world: World, until_ms: int | None = None) -> list[Step]:
    """Rehearse inputs, which stand in the order of their instants, and return the steps to play them."""
    steps: list[Step] = []
    written: list[Held] = []
    with quiet():
        for moment in Rehearsal(roles(ACTING, world), written.append).run(inputs, until_ms):
            kept = [record for record in written if record.topic not in {CASES, *_BY_PLACE}]
            cases = {record.key or b"": record.value or b"" for record in written if record.topic == CASES}
            steps.append(Step(moment.at_ms, tuple(moment.taken), frozenset(map(_witness, kept)), cases))
            written.clear()
    return steps


def _witness(record: Record) -> Witness:
    wanted = INPUT_HEADER if record.topic == RECEIPTS else "ce_id"
    return record.topic, next((value for name, value in record.headers if name == wanted), b"")


async def play(
    connection: Connection,
    clock: Path,
    steps: Sequence[Step],
    on_step: Callable[[int], None] = lambda _: None,
) -> None:
    """Play steps on a running system whose clock is the file `clock`.

    Raises L233Error when something that was rehearsed is not there in time.
    """
    topics = sorted({topic for step in steps for topic, _ in step.witnesses} | {CASES, RECEIPTS})
    async with poster(connection) as writing, reader(connection) as reading:
        seen = _Seen(reading, await reading.ends(await reading.places(topics)))
        for number, step in enumerate(steps, 1):
            set_clock(clock, datetime.fromtimestamp(step.at_ms / 1000, UTC))
            places = await writing.put([_output(one.record) for one in step.inputs])
            receipts = {(RECEIPTS, b"%d/%d" % place) for place in places}
            await seen.all_of(replace(step, witnesses=step.witnesses | receipts))
            on_step(number)


def _output(record: Record) -> Output:
    return Output(record.topic, record.key, record.value, record.headers, record.partition)


class _Seen:
    """What has been written since the play began."""

    def __init__(self, reading: Reader, starts: Mapping[Place, int]) -> None:
        self._reading = reading
        self._positions = dict(starts)
        self._ids = set[Witness]()
        self._cases: dict[bytes, bytes] = {}

    async def all_of(self, step: Step) -> None:
        """Return once all that a step makes is there."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while missing := self._missing(step):
            if time.monotonic() > deadline:
                at = datetime.fromtimestamp(step.at_ms / 1000, UTC).isoformat()
                raise L233Error(f"what was rehearsed for {at} is not there: {', '.join(sorted(missing)[:3])}")
            async for record in self._new():
                if record.topic == CASES:
                    self._cases[record.key or b""] = record.value or b""
                else:
                    self._ids.add(_witness(record))

    def _missing(self, step: Step) -> list[str]:
        gone = [f"{topic} {id_.decode()}" for topic, id_ in step.witnesses - self._ids]
        return gone + [
            f"{CASES} {key.decode()}" for key, value in step.cases.items() if self._cases.get(key) != value
        ]

    async def _new(self) -> AsyncIterator[Record]:
        ends = await self._reading.ends(self._positions)
        fresh = {place: end for place, end in ends.items() if end > self._positions[place]}
        if not fresh:
            await asyncio.sleep(0.02)
            return
        async for records in self._reading.read(fresh, self._positions):
            for record in records:
                yield record
        self._positions |= fresh
