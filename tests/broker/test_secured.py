"""A Kafka that asks who we are and what we may: the settings and rights of docs/deployment.md are enough."""

import asyncio
import json
import secrets
import subprocess
from collections.abc import Iterator

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from schemas.records import RECEIPT
from tests.broker.composed import Composed, composed, until
from tests.contract.compose import services
from tests.contract.project import ROOT, said

EXAMPLE = ROOT / "schemas" / "examples" / "valid" / "activity.registered.json"
PASSWORD = secrets.token_hex(16)
SECONDS = 60.0
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
JAAS = f'{SCRAM} required username="admin" password="{PASSWORD}";'
SECURED = {
    "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,HOST:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
    **{f"listener.name.{name}.scram-sha-512.sasl.jaas.config": JAAS for name in ("plaintext", "host")},
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # The controller's own listener, on this machine only, asks nobody.
    "super.users": "User:admin;User:ANONYMOUS",
}


def as_user(name: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the settings with which l233 says who it is."""
    return {
        "L233_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "L233_SASL_USERNAME": name,
        "L233_SASL_PASSWORD": password,
    }


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Give a broker with the topics that knows `admin`, who may all, and `intake`, who may nothing yet."""
    with composed(tmp_path_factory.mktemp("secured")) as found:
        users = [f"SCRAM-SHA-512=[name={name},password={PASSWORD}]" for name in ("admin", "intake")]
        kafka = found.launch_kafka(SECURED, *(word for user in users for word in ("--add-scram", user)))
        until(lambda: topics(found, as_user("admin")).returncode == 0, SECONDS, kafka.said)
        yield found


def topics(deployment: Composed, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the `topics` service with these settings over its own."""
    deployment.other_settings = settings
    return deployment.run(services()["topics"])


def allow(deployment: Composed, role: str) -> None:
    """Give a role's user the rights that docs/deployment.md lists, and no other."""
    registry = yaml.safe_load((ROOT / "topics.yaml").read_text(encoding="utf-8"))
    own = registry["roles"][role]
    topic, operation = ResourceType.TOPIC, AclOperation
    rights = [
        *((topic, name, operation.DESCRIBE_CONFIGS) for name in registry["topics"]),
        *((topic, name, operation.DESCRIBE) for name in registry["topics"]),
        *((topic, name, operation.READ) for name in (*own["inputs"], own["state"])),
        *((topic, name, operation.READ) for kind in ("follows", "watches") for name in own.get(kind, ())),
        *((topic, name, operation.WRITE) for name in (*own["outputs"], own["state"])),
        (ResourceType.GROUP, f"l233.{role}", operation.READ),
    ]
    literal = [(*right, ResourcePatternType.LITERAL) for right in rights]
    prefixed = (
        ResourceType.TRANSACTIONAL_ID,
        f"l233.{role}.",
        operation.WRITE,
        ResourcePatternType.PREFIXED,
    )
    admin = AdminClient(
        {
            "bootstrap.servers": deployment.from_the_host,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "admin",
            "sasl.password": PASSWORD,
        }
    )
    bindings = [
        AclBinding(kind, name, pattern, f"User:{role}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, operation, pattern in (*literal, prefixed)
    ]
    for future in admin.create_acls(bindings).values():
        future.result(timeout=30)


def test_a_wrong_password_is_told_in_one_line(deployment: Composed) -> None:
    """Nothing hangs, nothing is tried again and again: exit 3, and what to check."""
    done = topics(deployment, as_user("admin", "wrong"))
    assert done.returncode == 3, said(done)
    assert done.stderr.startswith("l233: ")
    assert "L233_SASL_USERNAME" in done.stderr
    assert PASSWORD not in done.stderr


def test_a_role_with_the_rights_that_are_listed_works(deployment: Composed) -> None:
    """As its own user, a worker comes up, restores, fences, reads and writes in transactions, and stops."""
    allow(deployment, "intake")
    deployment.other_settings = as_user("intake")
    worker = deployment.start(services()["intake"])
    until(worker.is_healthy, SECONDS, worker.said)
    try:
        assert asyncio.run(first_receipt(deployment)) == "registered"
    except TimeoutError:
        raise AssertionError(worker.said()) from None
    worker.ask_to_stop()
    assert worker.exit_code() == 0


async def first_receipt(deployment: Composed) -> str:
    """Publish an event as `admin` and return the verdict of the first receipt."""
    event = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    client = {
        "bootstrap_servers": deployment.from_the_host,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "admin",
        "sasl_plain_password": PASSWORD,
    }
    async with AIOKafkaProducer(**client) as producer:
        headers = [("content-type", b"application/cloudevents+json")]
        key = event["subject"].encode()
        await producer.send_and_wait("l233.events", json.dumps(event).encode(), key=key, headers=headers)
    consumer = AIOKafkaConsumer(
        "l233.receipts", **client, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    async with consumer, asyncio.timeout(SECONDS):
        return RECEIPT.validate_json((await consumer.getone()).value).verdict
