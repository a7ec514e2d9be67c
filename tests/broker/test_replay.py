"""`l233 replay` on a real Kafka: it agrees with what real workers decided, and nobody notices it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from l233.day import generate
from l233.local_kafka import temporary
from l233.running import passing
from l233.settings import Settings
from schemas.topics import INPUT
from streaming.records import Output
from streaming.topics import Registry
from tests.broker.test_bench import measured
from tests.broker.whole import Topics, environment, headers, run
from tests.replay_corpus.corpus import HERE
from tests.replay_corpus.record import Given, told_of_known_workers

COUNTS = ("events", "identical", "different", "missing", "extra", "erased")


@dataclass(frozen=True)
class Recorded:
    """A stream that workers have worked on and left: `middle` is an instant within it."""

    bootstrap: str
    topics: Topics
    middle: str
    inputs: int

    def replayed(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Replay in this process, or in two where the options say so."""
        done = run("replay", "--json", *(options or ("--processes", "1")))
        assert done.code == code, done.err
        return dict(done.json)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Give a realistic day and corrections, decided on by a whole system that is gone again."""
    folder = tmp_path_factory.mktemp("replay")
    day = [(one.key, one.value, one.headers, one.partition) for one in generate(3, 300, date(2026, 3, 2))]
    with temporary() as kafka, environment(L233_BOOTSTRAP=kafka.bootstrap):
        assert run("topics", "apply").code == 0
        settings = Settings()
        topics = Topics(settings.connection())
        with passing(kafka, settings, Registry.load(settings.topics_file), folder):
            publish(topics, day)
            middle = datetime.now(UTC).isoformat()
            later = list(told_of_known_workers())
            publish(topics, later)
            count = len(day) + len(later)
            topics.having(
                lambda one: headers(one).get("ce_source") == "urn:l233:intake", count, "l233.receipts"
            )
        yield Recorded(kafka.bootstrap, topics, middle, count)


def publish(topics: Topics, records: Sequence[Given]) -> None:
    """Write records to the input topic, in their order."""
    asyncio.run(topics.put([Output(INPUT, key, value, list(h), number) for key, value, h, number in records]))


def test_the_code_of_today_agrees_with_what_workers_decided(stream: Recorded) -> None:
    """Refused, repeated, rekeyed and corrected events included; each input is decided again once."""
    found = stream.replayed()
    ends = asyncio.run(stream.topics.ends(INPUT))
    assert found["events"] > stream.inputs  # those put back under the right key came twice
    assert found["events"] <= sum(ends.values())
    assert found["identical"] == found["events"]
    assert {found[name] for name in COUNTS[2:]} == {0}


def test_whoever_computes_it_the_digest_is_the_same(stream: Recorded) -> None:
    """With one process or two, what was remembered rebuilt or not, another hash seed and time zone."""
    first = stream.replayed()
    others = [stream.replayed("--processes", "2"), stream.replayed("--processes", "1", "--rebuild")]
    elsewhere = {**os.environ, "TZ": "America/Cayenne", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    command = [sys.executable, "-m", "l233.cli", "replay", "--json", "--processes", "1"]
    done = subprocess.run(command, env=elsewhere, capture_output=True, check=True, timeout=120)
    others.append(json.loads(done.stdout))
    for other in others:
        assert [other[name] for name in (*COUNTS, "digest")] == [first[name] for name in (*COUNTS, "digest")]


def test_two_parts_of_a_range_are_the_whole(stream: Recorded) -> None:
    """Each stands alone: what decided was recorded with each decision."""
    before = stream.replayed("--processes", "1", "--to", stream.middle)
    after = stream.replayed("--processes", "1", "--from", stream.middle)
    assert before["identical"] == before["events"]
    assert after["identical"] == after["events"]
    assert before["events"] + after["events"] == stream.replayed()["events"]


def test_one_worker_can_be_looked_at_alone(stream: Recorded) -> None:
    worker = next(one[0] for one in told_of_known_workers())
    assert worker is not None
    found = stream.replayed("--processes", "1", "--worker", worker.decode())
    of_his = [one for one in told_of_known_workers() if one[0] == worker]
    assert (found["events"], found["identical"]) == (len(of_his), len(of_his))


def test_another_scheme_is_told_by_event_and_field(stream: Recorded) -> None:
    found = stream.replayed("--scheme", str(HERE / "schemes" / "2026-07.yaml"), "--processes", "1", code=1)
    assert found["different"] > 0
    assert {"contribution.paid", "activity.registered"} <= found["by_rule"].keys()
    paths = {one["path"] for told in found["differences"] for one in told["differences"]}
    assert {"/scheme", "/scheme_hash"} <= paths
    assert any(path.startswith("/recipients") for path in paths)


def test_nobody_notices_a_replay(stream: Recorded) -> None:
    """The offsets of every group and the ends of every topic stay as they were."""
    before = standing(stream)
    stream.replayed("--processes", "2")
    stream.replayed("--processes", "1", "--rebuild")
    assert standing(stream) == before


def standing(stream: Recorded) -> Mapping[str, object]:
    """Return where every consumer group is, and where every topic ends."""
    admin = AdminClient({"bootstrap.servers": stream.bootstrap, "log_level": 2})
    groups = sorted(one.group_id for one in admin.list_consumer_groups().result().valid)
    offsets = {
        group: sorted(
            (place.topic, place.partition, place.offset)
            for place in admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
            .result()
            .topic_partitions
        )
        for group in groups
    }
    assert any(offsets.values())
    ends = asyncio.run(stream.topics.ends(*Registry.load().topics))
    return {"groups": offsets, "ends": sorted(ends.items())}


def test_a_draft_is_tried_on_the_stream_with_the_same_bytes_twice(stream: Recorded, tmp_path: Path) -> None:
    """One process or two; signed; the known events of the draft's other rule are those that go elsewhere."""
    assert run("scheme", "keygen", "cnam", "--to", tmp_path).code == 0
    until = datetime.now(UTC).isoformat()
    draft = HERE / "schemes" / "2026-07.yaml"
    asked = ("scheme", "simulate", "--draft", draft, "--against", "2026-01", "--to", until, "--json")
    reports = []
    for number in ("1", "2"):
        folder = tmp_path / number
        more = ("--processes", number, "--report", folder, "--key", tmp_path / "cnam.private.pem")
        done = run(*asked, *more)
        assert done.code == 0, done.err
        assert done.json["elsewhere"].keys() == {"activity.modified"}
        assert done.json["outcomes"]["then"] == done.json["outcomes"]["now"]
        assert sum(one["longer"] for one in done.json["deadlines"].values()) > 0
        assert sum(done.json["answers"]["received"]["then"].values()) > 0
        reports.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert reports[0] == reports[1]
    assert len(reports[0]) == 3


def test_the_measurement_of_replays_agrees_with_itself() -> None:
    """Recorded in bulk by intake's own handler, replayed twice."""
    found = measured("bench.replay", "--events", "2000")
    assert found["events"] >= 2000
    assert found["identical"] == found["events"]
    assert found["digest"] == found["second_digest"]
    assert found["events_per_second"] > 0


def test_what_was_known_of_a_worker_is_read_from_the_log(stream: Recorded) -> None:
    """All of him came after the middle of the stream: nothing was known of him then."""
    worker = next(one[0] for one in told_of_known_workers())
    assert worker is not None
    done = run("audit", "known", worker.decode(), "--on", stream.middle, "--json")
    assert done.code == 0, done.err
    assert done.json["then"] == {"situations": [], "events": []}
    assert len(done.json["now"]["events"]) == len([1 for one in told_of_known_workers() if one[0] == worker])
    assert done.json["now"]["situations"]
    assert run("audit", "known", "worker:" + "0" * 32, "--on", "2026-03-03").code == 1
