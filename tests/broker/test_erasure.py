"""A worker is erased: what real roles wrote of him can be read by nobody, and everything else as before."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from confluent_kafka import Consumer, TopicPartition
from rocksdict import AccessType, Options, Rdict

import verify_proof
from agents.roles import NAMES
from agents.sealers import example_sealers
from bench.faults.quiet import settled
from coordination import ids
from coordination.conservation import Account
from coordination.partitioning import partition_of
from l233 import keyrings
from l233.day import generate
from l233.following import Follower
from l233.local_kafka import LocalKafka, temporary
from l233.running import System, passing
from l233.settings import Settings
from schemas.inputs import INPUTS
from schemas.topics import INPUT
from streaming.records import Output
from streaming.topics import Registry
from tests.broker.system import Event, binary
from tests.broker.whole import Topics, environment, run, until
from tests.contract.golden import VALID, envelope, type_in

T = TypeVar("T")

pytestmark = pytest.mark.timeout(400)  # one system, its day, and what is left of it afterwards
WORKER: Final = "worker:" + "5e" * 16
SIREN, SIRET, COMMUNE = "732829320", "73282932000074", "31483"
AMOUNT, OTHER_AMOUNT, DAY, WORDS = "48271.37", "48271.63", "2031-07-19", "impasse des Capucines"
TOLD: Final = tuple(one.encode() for one in (SIREN, SIRET, AMOUNT, OTHER_AMOUNT, DAY, WORDS))
"""What nobody but this worker has, of every kind of field."""
_LOOKS: Final = 20
_MONEY = re.compile(r"[0-9]+\.[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HELD_BY: Final = {
    "social-aid.decided": "social-aid.requested",
    "radiation.answered": "radiation.envisaged",
    "acknowledgement.reported": "sick-leave.received",
    "acknowledgement.settled": "retirement.requested",
    "acknowledgement.refused": "complaint.lodged",
    "case.updated": "contribution.paid",
    "case.annulled": "turnover.declared",
    "case.clarified": "contact.received",
    "case.forwarded": "appointment.requested",
}
_ANNOTATED: Final = {"reasons", "reason", "text", "place"}


def his(name: str, value: Any) -> Any:  # noqa: ANN401, PLR0911  whatever JSON has; a table
    """Return data with what is this worker's own in the place of what an example says."""
    match value:
        case dict():
            return {key: his(key, one) for key, one in value.items()}
        case list() if name in _ANNOTATED:
            return [WORDS]
        case str() if name == "siren":
            return SIREN
        case str() if name == "siret":
            return SIRET
        case str() if name in {"residence", "establishment"}:
            return COMMUNE
        case str() if _MONEY.fullmatch(value):
            return AMOUNT
        case str() if _DAY.fullmatch(value):
            return DAY
        case str() if name in _ANNOTATED and " " in value:
            return WORDS
    return value


def of_every_type() -> list[Event]:
    """Return one event of every type that is taken in, registration first, what is said later last."""
    made: dict[str, Event] = {}
    for name in sorted(INPUTS, key=lambda name: (name != "activity.registered", name in _HELD_BY)):
        example = max(
            (path for path in VALID if type_in(path) == f"fr.l233.{name}.v1"), key=lambda p: p.stat().st_size
        )
        data = his("", json.loads(envelope(example).payload or b"{}"))
        made[name] = Event(name, data, WORKER, id=f"e-{name}", time="2026-03-02T10:00:00+01:00")
        if name in {"case.updated", "case.annulled"}:
            about = made[_HELD_BY[name]]
            data |= {"event": about.id, "source": about.source}
            if "data" in data:
                data["data"] = {**about.data, "paid": OTHER_AMOUNT}
    return list(made.values())


def record(event: Event, known: Mapping[str, Event]) -> Output:
    """Return an event as its producer writes it; one that is said later names its case."""
    about = known.get(_HELD_BY.get(event.name, ""))
    written = binary(event)
    headers = [*written.headers, ("ce_remark", WORDS.encode())]
    if about is not None:
        headers.append(("ce_correlationid", ids.uuid5("case", about.source, about.id, WORKER).encode()))
    return Output(INPUT, WORKER.encode(), written.value, headers)


def nobodys() -> list[Output]:
    """Return records of him that are refused, name nobody, or lie under another key: once more under his."""
    payload = json.dumps({"worker": {"siren": SIREN}, "note": WORDS}).encode()
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"broken"), ("ce_type", b"fr.l233.contact.received.v1")]
    refused = record(Event("contribution.paid", {"note": WORDS, "paid": AMOUNT}, WORKER, id="refused"), {})
    moved = record(Event("payment-delay.broken", {"period": "2026-03"}, WORKER, id="moved"), {})
    return [
        refused,
        Output(INPUT, b"somebody", payload, headers, 0),
        Output(INPUT, b"another key", moved.value, moved.headers, 1),
    ]


@dataclass(frozen=True)
class Place:
    """Where the system keeps what it writes."""

    kafka: LocalKafka
    system: System
    topics: Topics
    folder: Path
    his: Sequence[Event]

    def in_files(self) -> set[str]:
        """Return which of Kafka's partitions, and of all files that workers keep, tell of him as they are."""
        return whole(self._in_files)

    def _in_files(self) -> set[str]:
        segments = [path for node in self.kafka.nodes for path in node.data.rglob("*.log")]
        kept = [path for path in self.folder.rglob("*") if path.is_file()]
        found = {path.parent.name for path in segments if tells(path.read_bytes())}
        return found | {str(path.relative_to(self.folder)) for path in kept if tells(path.read_bytes())}

    def in_records(self) -> set[str]:
        """Return the topics of which a key, value or header tells of him, read raw, aborted records too."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "group.id": "nobody",
                "isolation.level": "read_uncommitted",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        places = [
            TopicPartition(topic, number, 0)
            for topic, one in consumer.list_topics(timeout=20).topics.items()
            for number in one.partitions
        ]
        consumer.assign(places)
        found, left = set[str](), len(places)
        while left:
            message = consumer.poll(20)
            assert message is not None, "Kafka has stopped answering"
            if message.error() is not None:
                left -= 1
                continue
            headers = message.headers() or []
            said = [message.key(), message.value(), *(value for _, value in headers)]
            if any(tells(one) for one in said if isinstance(one, bytes)):
                found.add(str(message.topic()))
        consumer.close()
        return found

    def in_state(self) -> set[str]:
        """Return the state folders of which a key or value tells of him, as RocksDB reads them."""
        found = set()
        for current in (self.folder / "state").rglob("CURRENT"):
            copy = self.folder.parent / "copy"
            whole(partial(_copied, current.parent, copy))
            db = Rdict(str(copy), Options(raw_mode=True), access_type=AccessType.read_only())
            if any(tells(key + value) for key, value in db.items()):
                found.add(str(current.parent))
            db.close()
            shutil.rmtree(copy)
        return found


def whole(look: Callable[[], T]) -> T:
    """Return what is seen in files that running programs rename and remove: when one has gone, look anew."""
    for _ in range(_LOOKS):
        try:
            return look()
        except (FileNotFoundError, shutil.Error):
            continue
    raise AssertionError(f"of {_LOOKS} looks at the files none was whole: one had always gone")


def _copied(folder: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)


def tells(content: bytes) -> bool:
    """Say whether bytes tell of him: as they are, or in base64 as dead letters have them."""
    if any(one in content for one in TOLD):
        return True
    return any(
        any(one in _decoded(part) for one in TOLD)
        for part in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", content)
    )


def _decoded(part: bytes) -> bytes:
    return b64decode(part[: len(part) // 4 * 4])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a system that has worked a day, among it one worker's events of every type."""
    folder = tmp_path_factory.mktemp("erasure") / "home"
    folder.mkdir()
    path = keyrings.make(folder)
    settings = {"L233_HOME": str(folder), "L233_KEYRING": str(path), "L233_SEAL_SECONDS": "1"}
    with temporary() as kafka, environment(L233_BOOTSTRAP=kafka.bootstrap, **settings):
        assert run("topics", "apply").code == 0
        topics, registry = Topics(Settings().connection()), Registry.load()
        with passing(kafka, Settings(), registry, folder) as system:
            day = [Output(INPUT, o.key, o.value, o.headers, o.partition) for o in generate(5, 150, DAY_OF_IT)]
            events = of_every_type()
            known = {event.name: event for event in events}
            first = [record(event, known) for event in events if event.name not in _HELD_BY]
            later = [record(event, known) for event in events if event.name in _HELD_BY]
            for some in ([*day, *first], [*later, *nobodys()]):
                asyncio.run(topics.put(some))
                asyncio.run(settled(topics.connection, registry, NAMES, 90))
            await_sealed()
            yield Place(kafka, system, topics, folder, events)


DAY_OF_IT: Final = date(2026, 3, 2)


def await_sealed() -> None:
    """Return once all that was decided is sealed."""
    for _ in range(300):
        done = run("audit", "verify", "--json")
        assert done.code == 0, done.out + done.err
        if done.json["entries"] == done.json["sealed"]:
            return
    pytest.fail("not all was sealed")


def case_of(place: Place, name: str) -> str:
    event = next(one for one in place.his if one.name == name)
    return ids.uuid5("case", event.source, event.id, WORKER)


def verified(file: Path) -> int:
    """Return what the program that stands alone says of a proof."""
    trusted = example_sealers().trusted
    keys = [word for who, held in trusted.items() for word in ("--key", f"{who}={min(held)}")]
    command = [sys.executable, "-I", "-S", verify_proof.__file__, str(file), *keys]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def test_one_worker_is_erased_and_nothing_else(place: Place, tmp_path: Path) -> None:
    """From topics, state, dead letters, exports and logs; proofs and all other events stay as they were."""
    proof = tmp_path / "before.json"
    proof.write_text(run("audit", "prove", case_of(place, "sick-leave.received")).out)
    before = run("replay", "--json", "--processes", "1").json
    assert before["identical"] == before["events"]
    assert place.in_records() == {INPUT}, "nobody but the producers ever wrote plainly of him"
    assert {name.rpartition("-")[0] for name in place.in_files()} == {INPUT}
    letters = [one for one in run("dead-letters", "list", "--json").lines if "errors" in one]
    assert any(one["worker"] is None for one in letters)
    seen = run("trace", case_of(place, "contribution.paid"), "--json").out
    assert SIREN in seen

    paper = tmp_path / "certificate.json"
    done = run("audit", "erase", WORKER, "--certificate", str(paper), "--json")
    assert done.code == 0, done.err
    erased_at = datetime.now(UTC)
    certified(done.json, place, erased_at)
    assert json.loads(paper.read_text()) == done.json

    again = [run("replay", "--json", "--processes", number).json for number in ("1", "2")]
    assert again[0]["digest"] == again[1]["digest"]
    found = again[0]
    assert {found[name] for name in ("different", "missing", "extra")} == {0}
    assert found["erased"] == len(place.his) + 4
    assert found["identical"] + found["erased"] == before["events"]
    assert run("audit", "verify").code == 0
    after = tmp_path / "after.json"
    after.write_text(run("audit", "prove", case_of(place, "sick-leave.received")).out)
    assert (verified(proof), verified(after)) == (0, 0)
    read_by_nobody(place, tmp_path, [one["id"] for one in letters])
    comes_back(place)
    goes_at_once(place, tmp_path)


def certified(told: dict[str, Any], place: Place, at: datetime) -> None:
    """Check what the certificate says against what lies there."""
    assert (told["worker"], told["tree"]) == (WORKER, 1)
    for topic in ("l233.decisions", "l233.outcomes", "l233.dead-letters", "l233.inbox.cpam"):
        assert told["veiled"][topic] > 0
    assert told["state"]["l233.state.intake"] > 20
    assert len(told["letters"]) == 1
    (input_,) = told["remains"]
    assert (input_["topic"], input_["records"]) == (INPUT, len(place.his) + 4)
    gone = datetime.fromisoformat(told["complete_by"])
    assert told["complete_by"] == input_["gone_by"]
    assert 400 <= (gone - at).days <= 401


def read_by_nobody(place: Place, folder: Path, letters: Sequence[str]) -> None:
    """Look for him wherever he was told of, with all the keys that there are."""
    for arguments in (
        ("trace", case_of(place, "contribution.paid")),
        ("trace", case_of(place, "contribution.paid"), "--json"),
        ("dead-letters", "list", "--json"),
        ("dead-letters", "redrive", "--json"),
        *(("dead-letters", "show", one) for one in letters),
        ("quality", "--json"),
    ):
        done = run(*arguments)
        assert done.code == 0, done.err
        assert not tells(done.out.encode()), arguments
    assert "erased" in run("trace", case_of(place, "contribution.paid"), "--json").out
    done = run("audit", "known", WORKER, "--on", "2026-03-03")
    assert (done.code, "erased" in done.err) == (1, True)
    assert run("audit", "export", folder / "export", "--format", "jsonl", "--format", "csv").code == 0
    assert [
        path for path in (folder / "export").rglob("*") if path.is_file() and tells(path.read_bytes())
    ] == []
    assert {name.rpartition("-")[0] for name in place.in_files()} == {INPUT}


def comes_back(place: Place) -> None:
    """Check that he can register again, and be read again by those who have the keyring."""
    data = {"start": "2026-04-01", "worker": {"siren": SIREN, "residence": COMMUNE, "establishment": COMMUNE}}
    event = Event("activity.registered", data, WORKER, id="again")
    asyncio.run(place.topics.put([binary_output(event)]))
    asyncio.run(settled(place.topics.connection, Registry.load(), NAMES, 60))
    told = run("audit", "known", WORKER, "--on", "2026-03-03").out
    assert f"lives in {COMMUNE}" in told
    found = run("replay", "--json", "--processes", "1").json
    assert (found["different"], found["missing"], found["extra"]) == (0, 0, 0)
    again = [
        one for one in asyncio.run(place.topics.read("l233.decisions")) if b'"again"' in (one.value or b"")
    ]
    assert SIREN.encode() in (again[0].value or b"")


def goes_at_once(place: Place, folder: Path) -> None:
    """Erase him again, with what producers sent: soon no file tells of him, and nobody else misses any."""
    residual = asyncio.run(account(place)).total
    before = run("replay", "--json", "--processes", "1").json
    others = others_known(place)
    paper = folder / "again.json"
    done = run("audit", "erase", WORKER, "--rewrite-input", "--certificate", str(paper), "--json")
    assert done.code == 0, done.err
    assert done.json["tree"] == 2
    cut = done.json["rewritten"]
    assert sum(one["taken_out"] for one in cut) == len(place.his) + 5
    assert sum(one["archived"] for one in cut) > 50
    gone = datetime.fromisoformat(done.json["complete_by"])
    assert 0 < (gone - datetime.now(UTC)).total_seconds() < 600

    async def look() -> bool | None:
        return True if place.in_files() == set() else None

    until(look, 90)
    assert place.in_records() == set()
    found = [run("replay", "--json", "--processes", number).json for number in ("1", "2")]
    found.append(run("replay", "--json", "--processes", "1", "--rebuild").json)
    assert len({one["digest"] for one in found}) == 1
    assert {one[name] for one in found for name in ("different", "missing", "extra")} == {0}
    assert {one["erased"] for one in found} == {len(place.his) + 5}
    assert {one["events"] for one in found} == {before["events"]}
    assert run("audit", "verify").code == 0
    assert others_known(place) == others
    assert asyncio.run(account(place)).total == residual
    place.system.workers.stop()
    assert place.in_state() == set()
    nothing_unworked_is_erased(place, folder)


def nothing_unworked_is_erased(place: Place, folder: Path) -> None:
    """With no role at work, what comes now waits: its key is kept, and who is to start is told."""
    someone = Event("contribution.paid", {"period": "2026-03", "paid": "1.00", "due": "1.00", "base": "9.00"})
    asyncio.run(place.topics.put([binary_output(someone)]))
    keyring = keyrings_text()
    done = run("audit", "erase", someone.worker, "--certificate", folder / "none.json")
    assert (done.code, "intake has 1 records" in done.err) == (1, True), done.err
    assert keyrings_text() == keyring
    assert not (folder / "none.json").exists()


def keyrings_text() -> str:
    path = Settings().keyring_file
    assert path is not None
    return path.read_text()


def others_known(place: Place) -> list[str]:
    """Return what is known of some others who are on his partition."""
    number = partition_of(WORKER.encode(), Registry.load().partitions)
    decided = asyncio.run(place.topics.read("l233.decisions"))
    keys = dict.fromkeys(one.key for one in decided if one.partition == number and one.key is not None)
    some = [key.decode() for key in keys if key != WORKER.encode()][:3]
    assert len(some) == 3
    return [run("audit", "known", worker, "--on", "2026-12-31", "--json").out for worker in some]


async def account(place: Place) -> Account:
    async with Follower(place.topics.connection, Registry.load()) as follower:
        return await follower.look()


def binary_output(event: Event) -> Output:
    written = binary(event)
    return Output(INPUT, event.worker.encode(), written.value, written.headers)
