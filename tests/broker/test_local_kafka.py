"""The local Kafka as a person uses it: real brokers, started and stopped by the command."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from l233.local_kafka import KAFKA_VERSION, LocalKafka, temporary
from l233.local_kafka.folder import Made
from l233.local_kafka.probe import free_ports, is_free
from l233.processes import started_at
from tests.broker.command import l233, one_line


def consecutive_ports() -> str:
    """Return a free port that a free one follows, as text."""
    return next(str(port) for port in iter(lambda: free_ports(1)[0], None) if is_free(port + 1))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a folder to run commands in, and stop whatever still runs there at the end."""
    yield tmp_path
    l233("kafka", "down", "--wipe", cwd=tmp_path)


def answered(*arguments: str, home: Path) -> dict[str, Any]:
    """Run a command that must succeed and return the JSON that it printed."""
    done = l233(*arguments, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def write(bootstrap: str, topic: str, value: bytes) -> None:
    """Write one record that every copy has."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", request_timeout_ms=20_000
    ) as producer:
        await producer.send_and_wait(topic, value)


async def read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """Read so many records from the beginning."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]


def test_up_status_down(home: Path) -> None:
    """Without Java, without anything on the PATH: it answers, survives its command, keeps records, goes."""
    port = consecutive_ports()
    up = answered("kafka", "up", "--port", port, home=home)
    assert (up["bootstrap"], up["answers"], up["kafka"]) == (f"127.0.0.1:{port}", True, "4.1.1")
    (broker,) = up["brokers"]
    listening = {
        (c.laddr.ip.removeprefix("::ffff:"), c.laddr.port)
        for c in psutil.Process(broker["pid"]).net_connections("tcp")
        if c.status == "LISTEN"
    }
    assert listening == {("127.0.0.1", int(port)), ("127.0.0.1", int(port) + 1)}

    again = answered("kafka", "up", "--port", port, home=home)
    assert again["brokers"] == up["brokers"], "a running cluster is left as it is"
    assert {**answered("kafka", "status", home=home), "seconds": up["seconds"]} == up
    elsewhere = l233("kafka", "up", "--port", str(int(port) + 10), cwd=home)
    assert elsewhere.returncode == 3
    assert f"already runs in {home}" in one_line(elsewhere)

    topics = l233("topics", "apply", cwd=home, L233_BOOTSTRAP=up["bootstrap"])
    assert topics.returncode == 0, topics.stderr
    asyncio.run(write(up["bootstrap"], "l233.events", b"kept"))
    assert answered("kafka", "down", home=home)["stopped"] == 1
    assert started_at(broker["pid"]) is None
    gone = l233("kafka", "status", cwd=home)
    assert (gone.returncode, gone.stderr) == (3, "")
    assert "`l233 kafka up` starts one" in gone.stdout

    up = answered("kafka", "up", "--port", port, home=home)
    assert asyncio.run(read(up["bootstrap"], "l233.events", 1)) == [b"kept"]
    down = answered("kafka", "down", "--wipe", home=home)
    assert (down["stopped"], down["wiped"]) == (1, True)
    assert not (home / ".l233" / "kafka").exists()


def test_a_broker_that_was_killed_is_told_and_started_again(home: Path) -> None:
    """As after a power failure: nobody must clean anything by hand."""
    port = consecutive_ports()
    (broker,) = answered("kafka", "up", "--port", port, home=home)["brokers"]
    os.kill(broker["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while l233("kafka", "status", cwd=home).returncode == 0:
        assert time.monotonic() < deadline, "status never told"
    assert "has ended" in l233("kafka", "status", cwd=home).stdout
    up = answered("kafka", "up", "--port", port, home=home)
    assert up["answers"]
    assert up["brokers"][0]["pid"] != broker["pid"]


def test_a_port_where_kafka_answers_already_is_told(home: Path, bootstrap: str) -> None:
    port = bootstrap.rpartition(":")[2]
    done = l233("kafka", "up", "--port", port, cwd=home)
    assert done.returncode == 3
    assert f"port {port} is taken by another Kafka" in one_line(done)


def test_without_network_and_jars_the_way_out_is_told(home: Path) -> None:
    """One line, although jgo's requests fail deep inside."""
    nowhere = "http://127.0.0.1:9"
    done = l233(
        "kafka",
        "up",
        "--port",
        consecutive_ports(),
        cwd=home,
        XDG_CACHE_HOME=str(home / "cache"),
        HTTPS_PROXY=nowhere,
        https_proxy=nowhere,
        NO_PROXY="",
        no_proxy="",
    )
    assert done.returncode == 3
    assert done.stdout == ""
    remark, said = done.stderr.splitlines()
    assert "fetching Apache Kafka" in remark
    assert re.match(r"l233: Kafka's jar \S+ can't be fetched .*connect to the network", said)
    assert str(home / "cache") in said


def test_a_broker_that_can_not_start_says_why(home: Path) -> None:
    """Its last error is in the line, and nothing of it stays behind."""
    kafka = LocalKafka(home / ".l233" / "kafka")
    data = kafka.nodes[0].data
    data.mkdir(parents=True)
    cluster = "lJwG4g1gS3KzQJf0cE3hXw"
    kafka.folder.write_made(Made(KAFKA_VERSION, cluster, 1))
    meta = f"version=1\ncluster.id={cluster}\nnode.id=7\n"
    (data / "meta.properties").write_text(meta, encoding="utf-8")
    port = consecutive_ports()
    done = l233("kafka", "up", "--port", port, cwd=home)
    assert done.returncode == 3
    assert "broker 1 ended while starting" in one_line(done)
    assert "node id" in done.stderr.lower()
    assert is_free(int(port))


def test_no_topic_comes_into_being_by_itself(bootstrap: str) -> None:
    """A misspelt name is an error, not a new topic that nobody reads."""

    async def misspell() -> set[str]:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=3_000)
        async with producer:
            with pytest.raises(KafkaError) as refused:
                await producer.send_and_wait("l233.evnets", b"lost")
        assert isinstance(refused.value, UnknownTopicOrPartitionError | KafkaError)
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            return set(await admin.list_topics())
        finally:
            await admin.close()

    assert "l233.evnets" not in asyncio.run(misspell())


def test_three_brokers_go_on_without_one(tmp_path: Path) -> None:
    """Records are on three, written when two have them: one may die under load and come back."""
    with temporary(brokers=3) as kafka:
        folder, pids = kafka.folder.path, [broker.pid for broker in kafka.status().brokers]
        done = l233("topics", "apply", "--replication", "3", cwd=tmp_path, L233_BOOTSTRAP=kafka.bootstrap)
        assert done.returncode == 0, done.stderr
        asyncio.run(write(kafka.bootstrap, "l233.events", b"before"))
        kafka.kill_broker(2)
        status = kafka.status()
        assert not status.answers
        assert [broker.number for broker in status.brokers if broker.answers] == [1, 3]
        asyncio.run(write(kafka.bootstrap, "l233.events", b"without"))
        kafka.start_broker(2)
        assert kafka.status().answers
        asyncio.run(write(kafka.bootstrap, "l233.events", b"again"))
        assert set(asyncio.run(read(kafka.bootstrap, "l233.events", 3))) == {b"before", b"without", b"again"}
        pids += [broker.pid for broker in kafka.status().brokers]
    assert not folder.exists(), "a temporary cluster leaves nothing"
    assert [pid for pid in pids if pid is None or started_at(pid) is not None] == []
