"""Provisioning a real cluster from the registry."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from l233.local_kafka import LocalKafka, temporary
from streaming import admin
from streaming.drift import configs
from streaming.topics import Registry
from tests.broker.command import l233, one_line

EVENTS = "l233.events"


@pytest.fixture(scope="module")
def kafka() -> Iterator[LocalKafka]:
    """Give a broker of this module's own: other tests provision theirs."""
    with temporary() as kafka:
        yield kafka


@pytest.fixture
def provisioned(kafka: LocalKafka, tmp_path: Path) -> str:
    """Give the address of a cluster with every topic as the registry says."""
    asyncio.run(_set(kafka.bootstrap))
    done = l233("topics", "apply", cwd=tmp_path, L233_BOOTSTRAP=kafka.bootstrap)
    assert done.returncode == 0, done.stderr
    return kafka.bootstrap


async def _set(bootstrap: str, **changes: str) -> None:
    """Give the input topic, if it is there, the registry's settings but for these, behind its back."""
    wanted = {**configs(Registry.load().topics[EVENTS], 1), **changes}
    async with admin.connect({"bootstrap_servers": bootstrap}) as client:
        if EVENTS not in await client.list_topics():
            return
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, EVENTS, wanted)])
        deadline = asyncio.get_running_loop().time() + 30
        while await _own_settings(client) != wanted:
            assert asyncio.get_running_loop().time() < deadline, "the broker never took the settings"
            await asyncio.sleep(0.05)


async def _own_settings(client: AIOKafkaAdminClient) -> dict[str, str]:
    found = (await admin.describe(client, [EVENTS]))[EVENTS]
    return {name: found.configs[name] for name in found.overridden}


async def _topics(bootstrap: str) -> set[str]:
    async with admin.connect({"bootstrap_servers": bootstrap}) as client:
        return set(await client.list_topics())


def test_what_apply_makes_is_what_the_registry_says(provisioned: str, tmp_path: Path) -> None:
    """Kafka's own description of every topic shows no difference, and applying again does nothing."""
    assert asyncio.run(_topics(provisioned)) >= set(Registry.load().topics)
    diff = l233("topics", "diff", "--json", "--replication", "1", cwd=tmp_path, L233_BOOTSTRAP=provisioned)
    assert (diff.returncode, json.loads(diff.stdout)) == (0, {"differences": []})
    again = l233("topics", "apply", "--json", cwd=tmp_path, L233_BOOTSTRAP=provisioned)
    assert (again.returncode, json.loads(again.stdout)["created"]) == (0, [])


def test_drift_is_told_and_refused_and_nothing_changes(provisioned: str, tmp_path: Path) -> None:
    """Retention cut to a day behind our back: told with both values, exit 1, and left as it is."""
    asyncio.run(_set(provisioned, **{"retention.ms": "86400000", "flush.ms": "1000"}))
    told = l233("topics", "apply", "--json", cwd=tmp_path, L233_BOOTSTRAP=provisioned)
    assert told.returncode == 1
    assert "nothing was created or changed" in told.stderr
    differences = {d["setting"]: d for d in json.loads(told.stdout)["differences"]}
    assert differences.keys() == {"retention.ms", "flush.ms"}
    assert differences["retention.ms"]["topic"] == EVENTS
    assert (differences["retention.ms"]["wanted"], differences["retention.ms"]["found"]) == (
        "34560000000",
        "86400000",
    )
    diff = l233("topics", "diff", cwd=tmp_path, L233_BOOTSTRAP=provisioned)
    assert diff.returncode == 1
    assert "86400000" in diff.stdout


def test_more_partitions_than_there_are_is_drift_and_creates_nothing(
    provisioned: str, tmp_path: Path
) -> None:
    """Changing the number in topics.yaml would move workers to other lanes: it is refused as a whole."""
    content = Registry.load().model_dump(mode="json", exclude_none=True)
    for topic in content["topics"].values():
        topic["partitions"] = 6
    content["topics"]["l233.brand-new"] = content["topics"]["l233.receipts"]
    file = tmp_path / "topics.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    done = l233("topics", "apply", cwd=tmp_path, L233_BOOTSTRAP=provisioned, L233_TOPICS_FILE=str(file))
    assert done.returncode == 1
    assert "move to other partitions" in " ".join(done.stdout.split())
    assert "l233.brand-new" not in asyncio.run(_topics(provisioned))


def test_an_empty_cluster(tmp_path: Path) -> None:
    """More copies than brokers is told in one line; two who apply at once both succeed."""

    async def twice(bootstrap: str) -> list[int]:
        runs = [
            asyncio.to_thread(l233, "topics", "apply", cwd=tmp_path, L233_BOOTSTRAP=bootstrap)
            for _ in range(2)
        ]
        return [done.returncode for done in await asyncio.gather(*runs)]

    with temporary() as kafka:
        done = l233("topics", "apply", "--replication", "3", cwd=tmp_path, L233_BOOTSTRAP=kafka.bootstrap)
        assert done.returncode == 1
        assert "was not created" in one_line(done)
        assert asyncio.run(twice(kafka.bootstrap)) == [0, 0]


def test_no_broker_is_told_in_one_line_with_the_way_out(tmp_path: Path) -> None:
    done = l233("topics", "diff", cwd=tmp_path, L233_BOOTSTRAP="127.0.0.1:9")
    assert done.returncode == 3
    assert "`l233 kafka up`" in one_line(done)


def test_a_broken_registry_is_told_before_anything_connects(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("topics: {}\nroles: {}\n", encoding="utf-8")
    done = l233("topics", "apply", cwd=tmp_path, L233_TOPICS_FILE="mine.yaml", L233_BOOTSTRAP="127.0.0.1:9")
    assert done.returncode == 2
    assert "mine.yaml: l233.events is missing" in one_line(done)


def test_show_needs_no_broker(tmp_path: Path) -> None:
    """The registry as data and as a table."""
    shown = json.loads(l233("topics", "show", "--json", cwd=tmp_path).stdout)
    assert shown["topics"].keys() == Registry.load().topics.keys()
    table = l233("topics", "show", cwd=tmp_path).stdout
    assert all(name in table for name in shown["topics"])
