"""What is decided is sealed as it flows, over kills too; when sealing stops, nothing is decided for long."""

import asyncio
import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet
import pytest

import verify_proof
from agents.roles import ACTING
from agents.sealers import example_sealers
from bench.faults.crew import Crew, CrewError, crew
from coordination.conservation import Account
from l233.following import Follower
from l233.local_kafka import temporary
from schemas.audit import CHECKPOINT
from streaming.client import Connection
from streaming.topics import Registry
from tests.broker.command import l233
from tests.broker.system import (
    BY_LIBRDKAFKA,
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
from tests.broker.whole import environment, run

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


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Give a system that seals within a second, and lets six pass unsealed."""
    bounds = {"L233_SEAL_SECONDS": "1", "L233_UNSEALED_SECONDS": str(UNSEALED_SECONDS)}
    with environment(**bounds), crew(bootstrap, tmp_path_factory.mktemp("crew"), CREW, session=3.0) as found:
        yield found
        found.stop_all()


@pytest.fixture
def running(system: Crew) -> Iterator[Crew]:
    """Give that system to a test; what it has ended runs again for the next one."""
    yield system
    for name in CREW:
        try:
            system.check(name)
        except CrewError:
            system.start(name)
            system.await_started(name)


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
    own = {"L233_BOOTSTRAP": bootstrap, "L233_HOME": str(folder), "L233_UNSEALED_SECONDS": "600"}
    with environment(**own):
        done = run("audit", "verify", "--json", *more)
    assert done.code == 0, done.out + done.err
    assert isinstance(done.json, dict)
    return done.json


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
    before = audited(bootstrap, tmp_path)["entries"]
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
    (tmp_path / "all.jsonl").write_text(printed, encoding="utf-8")
    more = turnovers(8)
    send(bootstrap, more)
    until(lambda: decided(watch, more) == len(more), "not all was decided")
    all_sealed(bootstrap, tmp_path)
    pins = [word for path in sorted(kept.iterdir()) for word in ("--pinned", str(path))]
    found = audited(bootstrap, tmp_path, *pins)
    assert audited(bootstrap, tmp_path, "--pinned", str(tmp_path / "all.jsonl")) == found
    lying = sum(len(watch.since(topic)) for topic in SEALED)
    assert found["entries"] == before + lying
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
    logged = len(running.log("acting"))
    running.terminate("witness")
    send(bootstrap, before)
    until(lambda: decided(watch, before) == len(before), "not all was decided")
    time.sleep(UNSEALED_SECONDS + 1)  # so long may pass unsealed: nothing can be seen before
    send(bootstrap, after)

    def waiting() -> int:
        lines = running.log("acting")[logged:].splitlines()
        return sum('"lane_held"' in line and "L233_UNSEALED_SECONDS" in line for line in lines)

    until(lambda: waiting() >= 4, "not every lane waits, and says why")
    time.sleep(2)  # for what must not happen there is nothing to wait for
    assert decided(watch, after) == 0
    done = l233(
        "audit", "verify", "--json", cwd=tmp_path, L233_BOOTSTRAP=bootstrap, L233_UNSEALED_SECONDS="3"
    )
    assert done.returncode == 1
    assert {one["flaw"] for one in json.loads(done.stdout)["wrong"]} == {"unsealed"}
    running.start("witness")
    until(lambda: decided(watch, after) == len(after), "it does not go on")
    assert running.log("acting")[logged:].count('"lane_released"') >= 4
    all_sealed(bootstrap, tmp_path)
    running.check("acting")


def account(bootstrap: str) -> Account:
    """Return the conservation ledger of everything that stands on the topics."""

    async def look() -> Account:
        async with Follower(Connection(bootstrap, Path()), Registry.load()) as follower:
            return await follower.look()

    return asyncio.run(look())


def test_an_export_balances_by_itself_and_a_changed_row_is_named(
    bootstrap: str, running: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB finds in the files what our own ledger finds on the topics, duplicates, rekeyed and refused."""
    before, events = account(bootstrap), turnovers(30)
    broken = [Event("turnover.declared", {"amount": "?"}, someone()) for _ in range(4)]
    send(bootstrap, [*events, *broken, *events[:5]])
    publish(bootstrap, [binary(event) for event in turnovers(20)], BY_LIBRDKAFKA)
    least = before.total.received + 59
    until(lambda: (found := account(bootstrap).total).received >= least and not found.residual, "under way")
    known = account(bootstrap)
    assert min(known.total.duplicates, known.total.dead_letters, known.total.rekeyed) > 0
    all_sealed(bootstrap, tmp_path)
    folder = tmp_path / "export"
    formats = [word for one in ("parquet", "csv", "jsonl") for word in ("--format", one)]
    done = l233("audit", "export", str(folder), *formats, "--json", cwd=tmp_path, L233_BOOTSTRAP=bootstrap)
    assert done.returncode == 0, done.stderr
    balances_in(folder, known, monkeypatch)
    decisions = sorted((folder / "l233.decisions").iterdir())
    rows = [len(pyarrow.parquet.read_table(one)) for one in decisions if one.suffix == ".parquet"]
    tables = [one.read_text(encoding="utf-8") for one in decisions if one.suffix == ".csv"]
    lines = [one.read_text(encoding="utf-8") for one in decisions if one.suffix == ".jsonl"]
    assert sum(rows) == known.total.routed
    assert sum(len(list(csv.DictReader(one.splitlines()))) for one in tables) == sum(rows)
    assert sum(len([json.loads(line) for line in one.splitlines()]) for one in lines) == sum(rows)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"All of {known.total.received} records" in page
    assert "http" not in page, "the page needs nothing from elsewhere"
    changed_row_is_named(folder, next(one for one in decisions if one.suffix == ".parquet"), tmp_path)


def balances_in(folder: Path, known: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    query = duckdb.sql((folder / "ledger.sql").read_text(encoding="utf-8"))
    assert query is not None
    found = {row[0]: dict(zip(query.columns[1:], row[1:], strict=True)) for row in query.fetchall()}
    expected = {day: asdict(balance) for day, balance in {**known.days, "total": known.total}.items()}
    for balance in expected.values():
        assert balance.pop("parked") == 0, "what waits in a lane is on no topic"
    assert found == expected


def changed_row_is_named(folder: Path, file: Path, home: Path) -> None:
    """One value in one row, in the middle."""
    good = l233("audit", "verify", "--export", str(folder), "--json", cwd=home)
    assert (good.returncode, json.loads(good.stdout)) == (0, {"wrong": []}), good.stderr
    table = pyarrow.parquet.read_table(file)
    rows = table.to_pylist()
    row = rows[len(rows) // 2]
    row["value"] = b"{}"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=table.schema), file)
    wrong = l233("audit", "verify", "--export", str(folder), "--json", cwd=home)
    assert wrong.returncode == 1, wrong.stderr
    (finding,) = json.loads(wrong.stdout)["wrong"]
    assert finding["where"] == f"l233.decisions/{row['partition']}, entry {row['leaf_index']}"
