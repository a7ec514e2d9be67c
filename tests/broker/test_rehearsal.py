"""What is rehearsed is what happens: the golden sagas on a real Kafka, its workers on a test clock."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coordination.outages import Outages, outage_of
from l233 import rehearsal_input
from l233 import settings as configuration
from l233.declaring import declare, key_of, withdraw
from l233.instants import end_of_day
from l233.local_kafka import LocalKafka
from l233.playing import plan, play
from l233.reference import world
from l233.rehearsal import OWN_SOURCE, Input
from l233.running import passing
from schemas.outages import DeclaredOutage
from schemas.topics import INPUT
from streaming.client import Connection
from streaming.clock import set_clock
from streaming.reading import reader
from streaming.records import Record
from streaming.topics import Registry
from tests.broker.system import create_topics
from tests.golden.sagas import Saga, differences, readable, sagas

SAGAS = sagas()
EMITTED = ("l233.acknowledgements", "l233.outcomes")


def inputs_of(saga: Saga, partitions: int) -> list[Input]:
    return rehearsal_input.read(str(saga.file), partitions)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory, local_kafka: LocalKafka) -> Iterator[Sequence[Record]]:
    """Play every saga, all workers side by side on one time line, and return what was emitted."""
    folder = tmp_path_factory.mktemp("rehearsed")
    clock, settings = folder / "clock", configuration.load()
    known = world(settings)
    partitions = known.registry.topics[INPUT].partitions
    inputs = sorted((one for saga in SAGAS for one in inputs_of(saga, partitions)), key=lambda one: one.at_ms)
    declared = {
        key_of(one["organism"], one["starts"]): DeclaredOutage(**one)
        for saga in SAGAS
        for one in saga.outages
    }
    known = replace(known, outages=Outages.of(outage_of(one, known.directory) for one in declared.values()))
    steps = plan(inputs, known, max(rehearsal_input.milliseconds(end(saga)) for saga in SAGAS))
    set_clock(clock, datetime.fromtimestamp(steps[0].at_ms / 1000, UTC) - timedelta(days=1))
    settings = settings.model_copy(update={"clock": clock})
    asyncio.run(create_topics(local_kafka.bootstrap, Registry.load()))
    connection = Connection(local_kafka.bootstrap, folder)
    asyncio.run(declare(connection, declared, "2026-01-01T00:00:00Z"))  # every worker reads them first
    with passing(local_kafka, settings, Registry.load(), folder):
        asyncio.run(play(connection, clock, steps))
        yield asyncio.run(everything(connection))
    for key in declared:
        asyncio.run(withdraw(connection, key))


def end(saga: Saga) -> datetime:
    return end_of_day(date.fromisoformat(saga.until))


async def everything(connection: Connection) -> list[Record]:
    async with reader(connection) as reading:
        ends = await reading.ends(await reading.places(EMITTED))
        return [record async for batch in reading.read(ends) for record in batch]


def event(record: Record) -> Mapping[str, Any]:
    """Return a record as the CloudEvent that it is."""
    said = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**said, "data": json.loads(record.value or b"null")}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("saga", [pytest.param(saga, id=saga.folder.name) for saga in SAGAS])
def test_kafka_makes_of_a_saga_what_was_rehearsed(saga: Saga, emitted: Sequence[Record]) -> None:
    """The same set of events, times aside; each once."""
    subjects = {one["subject"] for one in saga.inputs}
    mine = [one for one in map(event, emitted) if one["subject"] in subjects]
    own = [one for one in mine if one["source"].startswith(OWN_SOURCE)]
    until = [one for one in own if datetime.fromisoformat(one["time"]) <= end(saga)]
    assert len({one["id"] for one in until}) == len(until)
    assert differences(saga.expected, readable(saga, until), times=False) == []
