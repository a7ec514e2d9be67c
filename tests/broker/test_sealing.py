"""What is decided is sealed as it flows, over kills too; when sealing stops, nothing is decided for long."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import verify_proof
from agents.roles import ACTING
from agents.sealers import example_sealers
from bench.faults.crew import Crew, crew
from l233.local_kafka import temporary
from schemas.audit import CHECKPOINT
from streaming.topics import Registry
from tests.broker.command import l233
from tests.broker.system import (
    Data,
    Event,
    Watch,
    binary,
    content,
    create_topics,
    header,
    living_at,
    publish,
    someone,
)

CREW: Final = {"acting": tuple(ACTING), "audit": ("audit",), "witness": ("witness",)}
SEALED: Final = ("l233.decisions", "l233.acknowledgements")
SECONDS: Final = 90.0
UNSEALED_SECONDS: Final = 6.0


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """Give a Kafka of our own: the logs are checked as a whole."""
    with temporary() as kafka:
        asyncio.run(create_topics(kafka.bootstrap, Registry.load()))
        yield kafka.bootstrap


@pytest.fixture
def running(bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    """Give a system that seals within a second, and lets six pass unsealed."""
    monkeypatch.setenv("L233_SEAL_SECONDS", "1")
    monkeypatch.setenv("L233_UNSEALED_SECONDS", str(UNSEALED_SECONDS))
    with crew(bootstrap, tmp_path / "crew", CREW) as found:
        yield found
        found.stop_all()


def turnovers(count: int) -> list[Event]:
    data: Data = {"worker": living_at("31555"), "period": "2026-02", "amount": "2500.00"}
    return [Event("turnover.declared", data, someone()) for _ in range(count)]


def send(bootstrap: str, events: list[Event]) -> None:
    publish(bootstrap, [binary(event) for event in events])


def until(look: Callable[[], bool], what: str) -> None:
    """Return once something is so; fails at the bound."""
    deadline = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def decided(watch: Watch, events: list[Event]) -> int:
    """Return how many of these events were decided."""
    ids = {event.id for event in events}
    return sum(content(one)["event"]["id"] in ids for one in watch.since("l233.decisions"))


def audited(bootstrap: str, folder: Path, *more: str) -> dict[str, Any]:
    """Return what `l233 audit verify` finds; it must be all right."""
    done = l233("audit", "verify", "--json", *more, cwd=folder, L233_BOOTSTRAP=bootstrap)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def all_sealed(bootstrap: str, folder: Path) -> None:
    """Return once every record of the sealed topics is sealed by both."""

    def look() -> bool:
        found = audited(bootstrap, folder)
        return bool(found["entries"]) and found["entries"] == found["sealed"]

    until(look, "not all was sealed")


def test_what_is_decided_is_sealed_over_kills_and_proven_to_others(
    bootstrap: str, running: Crew, tmp_path: Path
) -> None:
    """Every record is covered, once; a proof is good for whoever has Python and the public keys alone."""
    watch, first = Watch(bootstrap, Registry.load()), turnovers(60)
    send(bootstrap, first[:30])
    until(lambda: len(watch.since("l233.checkpoints")) >= 4, "nothing was sealed")
    running.kill("audit")
    running.kill("witness")
    send(bootstrap, first[30:])
    for name in ("audit", "witness"):
        running.start(name)
        running.await_started(name)
    until(lambda: decided(watch, first) == len(first), "not all was decided")
    all_sealed(bootstrap, tmp_path)
    kept = tmp_path / "kept"
    kept.mkdir()
    printed = l233("audit", "checkpoints", cwd=tmp_path, L233_BOOTSTRAP=bootstrap).stdout
    for at, line in enumerate(printed.splitlines()):
        (kept / f"{at}.json").write_text(line, encoding="utf-8")
    more = turnovers(8)
    send(bootstrap, more)
    until(lambda: decided(watch, more) == len(more), "not all was decided")
    all_sealed(bootstrap, tmp_path)
    pins = [word for path in sorted(kept.iterdir()) for word in ("--pinned", str(path))]
    found = audited(bootstrap, tmp_path, *pins)
    lying = sum(len(watch.since(topic)) for topic in SEALED)
    assert found["entries"] == lying
    assert found["wrong"] == []
    sizes = [CHECKPOINT.validate_json(one.value or b"") for one in watch.since("l233.checkpoints")]
    assert len({(one.checkpoint, len(one.seals)) for one in sizes}) == len(sizes), "each signed once by each"
    proven(bootstrap, tmp_path, watch, more[0], pins)


def proven(bootstrap: str, folder: Path, watch: Watch, event: Event, pins: list[str]) -> None:
    """Prove the case of an event, and let the program that stands alone check it."""
    (decision,) = (one for one in watch.since("l233.decisions") if content(one)["event"]["id"] == event.id)
    case = header(decision, "ce_correlationid")
    assert case is not None
    done = l233("audit", "prove", case, *pins, cwd=folder, L233_BOOTSTRAP=bootstrap)
    assert done.returncode == 0, done.stderr
    file = folder / "proof.json"
    file.write_text(done.stdout, encoding="utf-8")
    proof = json.loads(done.stdout)
    records = [one for one in watch.since(*SEALED) if header(one, "ce_correlationid") == case]
    assert len(proof["entries"]) == len(records) > 2
    keys = [
        word for who, held in example_sealers().trusted.items() for word in ("--key", f"{who}={min(held)}")
    ]
    logs = {one["checkpoint"]["log"] for one in proof["checkpoints"]}
    mine = []
    for path in pins[1::2]:
        if json.loads(Path(path).read_text(encoding="utf-8"))["checkpoint"]["log"] in logs:
            mine += ["--pinned", path]
    assert mine
    command = [sys.executable, "-I", "-S", verify_proof.__file__, str(file), *keys, *mine]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    file.write_text(done.stdout.replace('"index":', '"index":1'), encoding="utf-8")
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1


def test_when_sealing_stops_nothing_is_decided_for_long_and_nothing_is_lost(
    bootstrap: str, running: Crew, tmp_path: Path
) -> None:
    """The lanes say that they wait, and why; when the witness is back they go on by themselves."""
    watch, before, after = Watch(bootstrap, Registry.load()), turnovers(40), turnovers(40)
    running.terminate("witness")
    send(bootstrap, before)
    until(lambda: decided(watch, before) == len(before), "not all was decided")
    time.sleep(UNSEALED_SECONDS + 1)  # so long may pass unsealed: nothing can be seen before
    send(bootstrap, after)
    until(lambda: running.log("acting").count('"lane_held"') == 4, "not every lane waits")
    assert "L233_UNSEALED_SECONDS" in running.log("acting")
    time.sleep(2)  # for what must not happen there is nothing to wait for
    assert decided(watch, after) == 0
    done = l233(
        "audit", "verify", "--json", cwd=tmp_path, L233_BOOTSTRAP=bootstrap, L233_UNSEALED_SECONDS="3"
    )
    assert done.returncode == 1
    assert {one["flaw"] for one in json.loads(done.stdout)["wrong"]} == {"unsealed"}
    running.start("witness")
    until(lambda: decided(watch, after) == len(after), "it does not go on")
    assert running.log("acting").count('"lane_released"') >= 4
    all_sealed(bootstrap, tmp_path)
    running.check("acting")
