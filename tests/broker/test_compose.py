"""What docker-compose.yml starts, started as processes: topics, roles, an event through, a clean stop."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.records import CASE, RECEIPT, CaseState, Receipt
from tests.broker.composed import Composed, composed, until
from tests.contract.compose import services
from tests.contract.project import ROOT, said

EXAMPLE = ROOT / "schemas" / "examples" / "valid" / "activity.registered.json"
# On two cores that do nothing else, nine roles are up after 12 s and an event is answered within one.
START_SECONDS = 120.0
FLOW_SECONDS = 120.0


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Give the services of the file: Kafka runs and has its topics, the others are to be started."""
    with composed(tmp_path_factory.mktemp("compose")) as found:
        found.start_kafka()
        done = found.run(services()["topics"])
        assert done.returncode == 0, said(done)
        yield found


def test_provisioning_again_changes_nothing_and_succeeds(deployment: Composed) -> None:
    """Each `docker compose up` runs it again, over topics that are there."""
    done = deployment.run(services()["topics"])
    assert done.returncode == 0, said(done)


def test_every_role_comes_up_an_event_is_acknowledged_and_all_stop_when_asked(deployment: Composed) -> None:
    """All services of the file: from a producer on the host to a case that all have received, then TERM."""
    roles = [deployment.start(service) for service in services().values() if service.roles]
    for role in roles:
        until(role.is_healthy, START_SECONDS, role.said)
    (event,) = registrations("a11", 1)

    publish(deployment, [event])
    receipt, case = asyncio.run(answered(deployment, event["subject"]))

    assert receipt.verdict == "registered"
    asked = {(recipient.organism, recipient.role) for recipient in receipt.recipients}
    assert {(recipient.organism, recipient.role) for recipient in case.recipients} == asked
    assert {role for _, role in asked} == {"lead", "informed"}
    for role in roles:
        role.ask_to_stop()
    assert {role.service.name: role.exit_code() for role in roles} == dict.fromkeys(
        (role.service.name for role in roles), 0
    )


def test_a_worker_that_stops_turning_is_no_longer_healthy(deployment: Composed) -> None:
    """The health check of the file looks at how old the worker's word is, not at whether there is one."""
    worker = deployment.start(services()["cases"])
    until(worker.is_healthy, START_SECONDS, worker.said)
    worker.process.send_signal(signal.SIGSTOP)
    _, status = os.waitpid(worker.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    (word,) = worker.run.glob("*.json")
    os.utime(word, (word.stat().st_atime - 31, word.stat().st_mtime - 31))  # half a minute later
    assert not worker.is_healthy()
    worker.process.send_signal(signal.SIGCONT)
    until(worker.is_healthy, START_SECONDS, worker.said)
    worker.ask_to_stop()
    assert worker.exit_code() == 0


def test_two_of_a_role_share_the_work_and_hand_it_over_with_its_state(deployment: Composed) -> None:
    """`--scale intake=2`: each has lanes of its own; when one stops, the other has all and knows all."""
    intake = services()["intake"]
    first, second = deployment.start(intake), deployment.start(intake)
    told = [*range(4)]
    until(
        lambda: bool(first.lanes() and second.lanes()) and sorted([*first.lanes(), *second.lanes()]) == told,
        START_SECONDS,
        lambda: first.said() + second.said(),
    )
    events = registrations("5ca1e", 24)
    subjects = {event["subject"] for event in events}

    publish(deployment, events)
    before = asyncio.run(receipts(deployment, subjects, len(events)))
    first.ask_to_stop()
    assert first.exit_code() == 0
    until(lambda: second.lanes() == told, START_SECONDS, second.said)
    publish(deployment, events)
    both = asyncio.run(receipts(deployment, subjects, 2 * len(events)))

    assert {receipt.event.subject for receipt in before} == subjects
    assert Counter(receipt.id for receipt in both) == {receipt.id: 2 for receipt in before}
    second.ask_to_stop()
    assert second.exit_code() == 0


def registrations(mark: str, count: int) -> list[dict[str, Any]]:
    """Return the registrations of so many workers, whose references begin with `mark`."""
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return [
        {**example, "id": f"{mark}-{n}", "subject": f"worker:{mark}{n:0{32 - len(mark)}x}"}
        for n in range(count)
    ]


def publish(deployment: Composed, events: Sequence[dict[str, Any]]) -> None:
    """Publish as a program of the host does."""

    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=deployment.from_the_host) as producer:
            for event in events:
                await producer.send_and_wait(
                    "l233.events",
                    json.dumps(event).encode(),
                    key=event["subject"].encode(),
                    headers=[("content-type", b"application/cloudevents+json")],
                )

    asyncio.run(send())


@asynccontextmanager
async def reading(deployment: Composed, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Read what is committed on these topics, from their beginning, for a bounded time."""
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=deployment.from_the_host,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    async with consumer, asyncio.timeout(FLOW_SECONDS):
        yield consumer


async def receipts(deployment: Composed, subjects: set[str], count: int) -> list[Receipt]:
    """Return so many receipts of these workers, once they are there."""
    found: list[Receipt] = []
    async with reading(deployment, "l233.receipts") as consumer:
        while len(found) < count:
            receipt = RECEIPT.validate_json((await consumer.getone()).value)
            if receipt.event.subject in subjects:
                found.append(receipt)
    return found


async def answered(deployment: Composed, subject: str) -> tuple[Receipt, CaseState]:
    """Return a worker's receipt, and his case once every recipient has received it."""
    receipt: Receipt | None = None
    case: CaseState | None = None
    async with reading(deployment, "l233.receipts", "l233.cases") as consumer:
        while receipt is None or case is None:
            record = await consumer.getone()
            if record.topic == "l233.receipts":
                told = RECEIPT.validate_json(record.value)
                receipt = told if told.event.subject == subject else receipt
            else:
                state = CASE.validate_json(record.value)
                case = state if state.worker == subject and all_received(state) else case
    return receipt, case


def all_received(case: CaseState) -> bool:
    """Tell whether every recipient has said that he has the event."""
    levels = [{given.level for given in recipient.given} for recipient in case.recipients]
    return bool(levels) and all("received" in given for given in levels)
