"""The scheme changes while workers work: taken up without restart, each event judged by its date."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any, Final

import pytest

import scheme
from agents.roles import NAMES
from bench.faults.crew import Crew, crew
from coordination.lifecycle import HEADS, MINISTERS
from l233.local_kafka import temporary
from l233.scheme_files import signatures_file
from streaming.topics import Registry
from tests.broker.command import l233, one_line
from tests.broker.system import (
    Data,
    Event,
    Watch,
    binary,
    content,
    create_topics,
    living_at,
    publish,
    someone,
)
from tests.sign_example import SHIPPED, sign_example

AUTHORITIES: Final = (*HEADS, *MINISTERS)
CREW: Final = {
    "intake-a": ("intake",),
    "intake-b": ("intake",),
    "others": tuple(name for name in NAMES if name != "intake"),
}
SECONDS: Final = 60.0
TOULOUSE = living_at("31555")


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """Give a Kafka of our own: what is published to all workers would be news to the tests of others."""
    with temporary() as kafka:
        yield kafka.bootstrap


@pytest.fixture(scope="module")
def registry(bootstrap: str) -> Registry:
    """Create the topics."""
    found = Registry.load()
    asyncio.run(create_topics(bootstrap, found))
    return found


def draft(folder: Path, name: str, since: datetime) -> Path:
    """Write a version in which the retirement organism is not only informed of turnovers: it supports."""
    text = scheme.versions()["2026-01.yaml"]
    for old, new in (
        ("scheme: 2026-01", f"scheme: {name}"),
        ("in_force: 2026-01-01T00:00:00+01:00", f"in_force: {since.isoformat()}"),
        ("    informed: retirement\n", "    support: retirement\n"),
    ):
        assert text.count(old) >= 1
        text = text.replace(old, new, 1)
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def in_days(days: float) -> datetime:
    """Return an instant from now, to the second."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON object that a command printed."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def turnover(moment: datetime, worker: str) -> Event:
    """Return a turnover that is declared at a moment."""
    data: Data = {"worker": TOULOUSE, "period": "2026-02", "amount": "2500.00"}
    return Event("turnover.declared", data, worker, time=moment.isoformat())


def adopted(running: Crew, version: str) -> None:
    """Return once every worker has taken up a version."""
    until = time.monotonic() + SECONDS
    while not all(_adopted(running.log(name), version) for name in running.roles):
        for name in running.roles:
            running.check(name)
        assert time.monotonic() < until, {name: running.log(name)[-500:] for name in running.roles}
        time.sleep(0.05)


def _adopted(log: str, version: str) -> bool:
    return any('"scheme_adopted"' in line and f'"{version}"' in line for line in log.splitlines())


class Stream:
    """Declares turnovers for as long as the block lasts, in turn before and after a date."""

    def __init__(self, bootstrap: str, since: datetime) -> None:
        self.sent: list[Event] = []
        self._bootstrap = bootstrap
        self._since = since
        self._stop = Flag()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        workers = [someone() for _ in range(8)]
        while not self._stop.is_set():
            moments = [self._since - timedelta(seconds=1), self._since]
            new = [turnover(moment, worker) for worker in workers for moment in moments]
            publish(self._bootstrap, [binary(event) for event in new])
            self.sent += new

    def __enter__(self) -> "Stream":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()


def decisions(watch: Watch, events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    """Return the decision on each event, by its id, in the order of each worker's events."""
    wanted = {event.id for event in events}
    until = time.monotonic() + SECONDS
    while True:
        found = {
            one["event"]["id"]: one
            for one in map(content, watch.since("l233.decisions"))
            if one["event"]["id"] in wanted
        }
        if len(found) == len(wanted):
            return found
        assert time.monotonic() < until, f"{len(found)} of {len(wanted)} decided"
        time.sleep(0.2)


def test_a_version_published_midway_is_taken_up_without_restart(
    bootstrap: str, registry: Registry, tmp_path: Path
) -> None:
    """Events of both dates arrive all the time; each is judged by the version in force when it happened."""
    since = in_days(2)
    version = draft(tmp_path, "2027-01", since)
    sign_example(version)
    watch = Watch(bootstrap, registry)
    with crew(bootstrap, tmp_path / "crew", CREW) as running:
        with Stream(bootstrap, since) as stream:
            done = l233("scheme", "publish", str(version), "--json", cwd=tmp_path, L233_BOOTSTRAP=bootstrap)
            new = told(done)
            adopted(running, "2027-01")
            before = len(stream.sent)
            until = time.monotonic() + SECONDS
            while len(stream.sent) < before + 200:
                assert time.monotonic() < until, "the stream stopped"
                time.sleep(0.05)
        decided = decisions(watch, stream.sent)
        shipped = json.loads(signatures_file(SHIPPED / "versions" / "2026-01.yaml").read_text())
        old, new_one = ("2026-01", shipped["sha256"]), ("2027-01", new["sha256"])
        by_worker: dict[str, list[tuple[str, str]]] = {}
        for event in stream.sent:
            one = decided[event.id]
            judged = one["scheme"], one["scheme_hash"]
            if event.time == since.isoformat():
                by_worker.setdefault(event.worker, []).append(judged)
                role = {old: "informed", new_one: "support"}[judged]
                assert {to["role"] for to in one["recipients"] if to["organism"] == "carsat:31"} == {role}
            else:
                assert judged == old, "what happened before is judged by what was in force then"
        for judged_so in by_worker.values():
            assert judged_so == sorted(judged_so), "once a worker has the new version it keeps it"
            assert judged_so[-1] == new_one
        for event in stream.sent[before + 50 :]:
            if event.time == since.isoformat():
                assert decided[event.id]["scheme"] == "2027-01", "all have it, so all judge by it"
        for name in running.roles:
            running.check(name)
            assert running.log(name).count('"worker_started"') == 1
        running.terminate("intake-a")
        running.start("intake-a")
        running.await_started("intake-a")
        lines = running.log("intake-a").splitlines()
        first = {key: next(at for at, line in enumerate(lines) if key in line) for key in _ORDER}
        assert sorted(first, key=first.__getitem__) == list(_ORDER), "all versions before the first lane"
        running.stop_all()
    life = [one for one in watch.since("l233.scheme") if b"2027-01" in (one.value or b"")]
    assert [dict(one.headers)["ce_type"].decode() for one in life] == new["events"]


_ORDER: Final = ('"scheme_adopted"', '"lanes_assigned"', '"worker_started"')


def test_what_may_not_be_published_is_told_in_one_line(
    bootstrap: str, registry: Registry, tmp_path: Path
) -> None:
    """Too late, at the date of another, half signed: refused with the line; the topic stays as it was."""
    watch = Watch(bootstrap, registry)
    late = draft(tmp_path, "2031-01", in_days(0.9))
    sign_example(late)
    same = draft(tmp_path, "2031-02", datetime.fromisoformat("2026-01-01T00:00:00+01:00"))
    sign_example(same)
    half = draft(tmp_path, "2031-03", in_days(400))
    altered = draft(tmp_path, "2031-04", in_days(500))
    sign_example(altered)
    altered.write_text(altered.read_text() + "# one word more\n")
    for path, said in (
        (late, "2031-01.yaml:22: in_force: published less than 24 hours before it is in force"),
        (same, "2031-02.yaml:22: in_force: version 2026-01 comes into force at this very time"),
        (half, "cnam has not signed it"),
        (altered, "2031-04.signatures.json:3: sha256: signs another text"),
    ):
        done = l233("scheme", "publish", str(path), cwd=tmp_path, L233_BOOTSTRAP=bootstrap)
        assert done.returncode == 1
        assert said in one_line(done)
    assert watch.since("l233.scheme") == []


def test_publishing_again_changes_nothing_and_everybody_can_look(
    bootstrap: str, registry: Registry, tmp_path: Path
) -> None:
    version = draft(tmp_path, "2032-01", datetime.fromisoformat("2032-01-01T00:00:00+01:00"))
    sign_example(version)
    arguments = ("scheme", "publish", str(version), "--json")
    first = told(l233(*arguments, cwd=tmp_path, L233_BOOTSTRAP=bootstrap))
    watch = Watch(bootstrap, registry)
    again = told(l233(*arguments, cwd=tmp_path, L233_BOOTSTRAP=bootstrap))
    assert (first["new"], again["new"], again["published"]) == (True, False, first["published"])
    assert watch.since("l233.scheme") == []
    shown = told(l233("scheme", "show", "--published", "--json", cwd=tmp_path, L233_BOOTSTRAP=bootstrap))
    (one,) = [one for one in shown["versions"] if one["scheme"] == "2032-01"]
    assert (one["origin"], one["state"], one["sha256"]) == ("published", "approved", first["sha256"])
    assert [signature["verdict"] for signature in one["signatures"]] == ["good"] * 5
    assert shown["in_force"] == "2026-01"


def test_production_starts_with_a_version_of_its_own_and_not_without(
    bootstrap: str, registry: Registry, tmp_path: Path
) -> None:
    """The example and its keys count for nothing there."""
    keys = tmp_path / "keys"
    keys.mkdir()
    settings = {"L233_BOOTSTRAP": bootstrap, "L233_PRODUCTION": "true", "L233_TRUSTED_KEYS": str(keys)}
    settings |= {"L233_LOG_FORMAT": "json", "L233_UNSEALED_SECONDS": "0"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return l233(*arguments, cwd=tmp_path, timeout=120, **settings)

    assert run("audit", "keygen", "keyring", "--to", str(tmp_path)).returncode == 0
    settings["L233_KEYRING"] = str(tmp_path / "keyring.json")
    done = run("worker", "intake")
    assert done.returncode == 2
    assert "no key of cnam, cnav, acoss" in one_line(done)
    for name in AUTHORITIES:
        assert run("scheme", "keygen", name, "--to", str(keys)).returncode == 0
    done = run("worker", "intake")
    assert done.returncode == 4
    (failed,) = [line for line in done.stderr.splitlines() if "worker_failed" in line]
    assert "no version of the scheme may be in force" in json.loads(failed)["what"]
    version = draft(tmp_path, "2026-05", datetime.fromisoformat("2026-05-01T00:00:00+02:00"))
    for name in AUTHORITIES:
        verb, key = ("sign" if name in HEADS else "approve"), keys / f"{name}.private.pem"
        done = run("scheme", verb, str(version), "--as", name, "--key", str(key))
        assert done.returncode == 0, done.stderr
    told(run("scheme", "publish", str(version), "--json"))
    shown = told(run("scheme", "show", "--published", "--json"))
    assert shown["in_force"] == "2026-05", "the very first version may be in force already"
