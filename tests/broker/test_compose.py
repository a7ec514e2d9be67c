"""What docker-compose.yml starts, started as processes: topics, roles, an event through, a clean stop."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.records import CASE, RECEIPT, CaseState, Receipt
from tests.broker.composed import Composed, composed, until
from tests.contract.compose import services
from tests.contract.project import ROOT, said

EXAMPLE = ROOT / "schemas" / "examples" / "valid" / "activity.registered.json"
START_SECONDS = 120.0
FLOW_SECONDS = 120.0


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Give the services of the file with its Kafka running, the others not yet."""
    with composed(tmp_path_factory.mktemp("compose")) as found:
        found.start_kafka()
        yield found


def test_the_services_of_the_file_route_an_event_and_stop_when_asked(deployment: Composed) -> None:
    """As `depends_on` orders it: topics end with 0, roles come up, an event is answered, TERM ends with 0."""
    done = deployment.run(services()["topics"])
    assert done.returncode == 0, said(done)
    roles = [deployment.start(service) for service in services().values() if service.roles]
    for role in roles:
        until(partial(role.logged, "worker_started"), START_SECONDS, role.said)

    receipt, case = asyncio.run(publish_and_follow(deployment.from_the_host))

    assert receipt.verdict == "registered"
    assert {(r.organism, r.role) for r in case.recipients} == {
        (r.organism, r.role) for r in receipt.recipients
    }
    assert len(receipt.recipients) == 3, "collection leads, health and retirement are informed"
    for role in roles:
        role.ask_to_stop()
    assert {role.service.name: role.exit_code() for role in roles} == {role.service.name: 0 for role in roles}


def test_provisioning_again_changes_nothing_and_succeeds(deployment: Composed) -> None:
    """Each `docker compose up` runs it again, over topics that hold records."""
    for _ in range(2):
        done = deployment.run(services()["topics"])
        assert done.returncode == 0, said(done)


async def publish_and_follow(bootstrap: str) -> tuple[Receipt, CaseState]:
    """Publish as a program of the host does; return the receipt, and the case once all have received it."""
    event = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(
            "l233.events",
            json.dumps(event).encode(),
            key=event["subject"].encode(),
            headers=[("content-type", b"application/cloudevents+json")],
        )
    consumer = AIOKafkaConsumer(
        "l233.receipts",
        "l233.cases",
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    receipts: list[Receipt] = []
    cases: list[CaseState] = []
    async with consumer, asyncio.timeout(FLOW_SECONDS):
        async for record in consumer:
            if record.topic == "l233.receipts":
                receipts.append(RECEIPT.validate_json(record.value))
            elif all_received(case := CASE.validate_json(record.value)):
                cases.append(case)
            if receipts and cases:
                return receipts[0], cases[0]
    raise AssertionError("a consumer goes on for ever")


def all_received(case: CaseState) -> bool:
    """Tell whether every recipient has said that he has the event."""
    levels = [{given.level for given in recipient.given} for recipient in case.recipients]
    return bool(levels) and all("received" in given for given in levels)
