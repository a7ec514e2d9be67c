"""Asks a cluster what topics it has, and creates those that are missing; nothing else is ever changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, cast

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streaming.drift import Difference, Found, compare, configs
from streaming.topics import Registry

SET_FOR_THE_TOPIC = 1  # Kafka's ConfigSource.DYNAMIC_TOPIC_CONFIG
CREATED_SECONDS = 30.0
POLL_SECONDS = 0.1


class TopicsNotCreated(Exception):
    """The cluster refused to create a topic, or did not have it in time; the message says which and why."""


class DriftRefused(Exception):
    """Topics are there with other settings; nothing was created or changed."""

    def __init__(self, differences: tuple[Difference, ...]) -> None:
        super().__init__("; ".join(map(str, differences)))
        self.differences = differences


class _Reply(Protocol):
    """What is used of the answers of aiokafka's administration."""

    resources: list[tuple[int, str | None, int, str, list[tuple[str, str | None, bool, int]]]]
    topic_errors: list[tuple[str, int, str | None]]


@asynccontextmanager
async def connect(options: Mapping[str, object]) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an administration client with the common client options, closed at the end of the block."""
    admin = AIOKafkaAdminClient(client_id="l233-topics", request_timeout_ms=20_000, **options)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def describe(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, Found]:
    """Those of `names` that the cluster has, as it has them. Raises KafkaError."""
    existing = set(await admin.list_topics())
    wanted = [name for name in names if name in existing]
    if not wanted:
        return {}
    shapes = {topic["topic"]: topic for topic in await admin.describe_topics(wanted)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    found: dict[str, Found] = {}
    for reply in cast("list[_Reply]", await admin.describe_configs(resources)):
        for code, message, _, name, entries in reply.resources:
            if code:
                raise for_code(code)(f"{name}: {message}")
            partitions = shapes[name]["partitions"]
            found[name] = Found(
                partitions=len(partitions),
                replication=min((len(partition["replicas"]) for partition in partitions), default=0),
                configs={entry[0]: entry[1] or "" for entry in entries},
                overridden=frozenset(entry[0] for entry in entries if entry[3] == SET_FOR_THE_TOPIC),
            )
    return found


async def differences(
    admin: AIOKafkaAdminClient, registry: Registry, replication: int | None = None
) -> tuple[Difference, ...]:
    """How the cluster differs from the registry. Raises KafkaError."""
    return compare(registry, await describe(admin, registry.topics), replication)


async def apply(
    admin: AIOKafkaAdminClient, registry: Registry, replication: int | None = None
) -> tuple[str, ...]:
    """Create the topics that are missing; returns their names once the cluster has them all.

    With `replication` None: 3 copies where there are 3 brokers, else 1. Raises DriftRefused, before anything
    is created, when a topic is there with other settings; TopicsNotCreated; KafkaError.
    """
    before = await differences(admin, registry, replication)
    if drift := tuple(one for one in before if one.kind == "drift"):
        raise DriftRefused(drift)
    missing = tuple(one.topic for one in before)
    if missing:
        copies = replication or await _copies(admin)
        await _create(admin, registry, missing, copies)
        await _await_created(admin, registry, replication)
    return missing


async def _copies(admin: AIOKafkaAdminClient) -> int:
    brokers = (await admin.describe_cluster())["brokers"]
    return 3 if len(brokers) >= 3 else 1


async def _create(
    admin: AIOKafkaAdminClient, registry: Registry, names: tuple[str, ...], replication: int
) -> None:
    new = [
        NewTopic(
            name,
            registry.topics[name].partitions,
            replication,
            topic_configs=configs(registry.topics[name], replication),
        )
        for name in names
    ]
    reply = cast("_Reply", await admin.create_topics(new))
    for name, code, message in reply.topic_errors:
        # Another `apply` at the same time may have created it; whether as it should be is looked at after.
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise TopicsNotCreated(f"{name} was not created: {message or for_code(code).__name__}")


async def _await_created(admin: AIOKafkaAdminClient, registry: Registry, replication: int | None) -> None:
    """Wait until every broker that is asked knows the topics: creation is told a moment later."""
    deadline = asyncio.get_running_loop().time() + CREATED_SECONDS
    left = await _left(admin, registry, replication)
    while left:
        if drift := tuple(one for one in left if one.kind == "drift"):
            raise DriftRefused(drift)
        if asyncio.get_running_loop().time() > deadline:
            raise TopicsNotCreated(
                f"created, but the cluster does not show them: {', '.join(d.topic for d in left)}"
            )
        await asyncio.sleep(POLL_SECONDS)
        left = await _left(admin, registry, replication)


async def _left(
    admin: AIOKafkaAdminClient, registry: Registry, replication: int | None
) -> tuple[Difference, ...]:
    try:
        return await differences(admin, registry, replication)
    except KafkaError as error:
        if not error.retriable:
            raise
        # A broker that does not know a new topic yet says so as an error of its description.
        names = registry.topics
        return tuple(Difference("missing", n, "topic", "there", type(error).__name__, "wait") for n in names)
