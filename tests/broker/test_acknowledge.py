"""`l233 acknowledge` on the whole system: what is said of a case reaches it, and its answer comes back."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from l233.local_kafka import temporary
from l233.running import passing
from l233.settings import Settings
from streaming.topics import Registry
from tests.broker.whole import Done, Topics, environment, headers, run

TOULOUSE = {"siren": "123456782", "residence": "31555", "establishment": "31555"}
LATER = "2026-03-09T10:00:00+01:00"


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topics]:
    """Give a running system of this module's own."""
    folder = tmp_path_factory.mktemp("acknowledge")
    clock = folder / "clock"
    clock.write_text(LATER)
    with temporary() as kafka, environment(L233_BOOTSTRAP=kafka.bootstrap, L233_CLOCK=str(clock)):
        assert run("topics", "apply").code == 0
        settings = Settings()
        with passing(kafka, settings, Registry.load(settings.topics_file), folder):
            yield Topics(settings.connection())


@dataclass(frozen=True)
class Case:
    """A sick leave of a worker of Toulouse: its CPAM leads."""

    id: str
    worker: str
    event: str


@pytest.fixture
def case(topics: Topics, tmp_path: Path) -> Case:
    """Publish a registration and a sick leave, and wait until the case stands on l233.cases."""
    found = Case(uuid4().hex, f"worker:{uuid4().hex}", uuid4().hex)
    registered = {"start": "2026-01-05", "worker": TOULOUSE}
    file = tmp_path / "events.jsonl"
    file.write_bytes(
        line("activity.registered", registered, subject=found.worker)
        + line(
            "sick-leave.received",
            {"starts": "2026-03-01", "ends": "2026-03-14"},
            subject=found.worker,
            id=found.event,
            correlationid=found.id,
        )
    )
    assert run("publish", file).code == 0
    key = f"{found.worker}/{found.id}".encode()
    topics.having(lambda record: record.key == key, 1, "l233.cases")
    return found


def line(name: str, data: Mapping[str, object], **attributes: str) -> bytes:
    """Return an event as a line of a file."""
    event = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "urn:test:acknowledge",
        "type": f"fr.l233.{name}.v1",
        "time": "2026-03-02T09:30:00+01:00",
        "data": data,
        **attributes,
    }
    return json.dumps(event).encode() + b"\n"


def given(case: Case, organism: str = "cpam:311", *more: str) -> Done:
    """Report for an organism."""
    options = ["--level", "reported", "--code", "0", "--patience", "30", "--json"]
    return run("acknowledge", case.id, "--organism", organism, *options, *more)


def test_a_report_of_the_lead_reaches_the_case(case: Case, topics: Topics) -> None:
    """The worker is found from the case; the case takes it and the story tells it."""
    done = given(case)
    assert (done.code, done.json["outcome"], done.json["answer"]) == (0, "registered", "taken")
    assert (done.json["worker"], done.json["at"]) == (case.worker, "2026-03-09T09:00:00.000Z")
    (told,) = [
        one
        for one in asyncio.run(topics.read("l233.acknowledgements"))
        if headers(one)["ce_id"] == done.json["id"]
    ]
    assert headers(told)["ce_source"] == "urn:operator:cpam:311"
    assert json.loads(told.value or b"") == {"organism": "cpam:311", "code": 0}


def test_the_same_report_again_changes_nothing(case: Case) -> None:
    first, again = given(case), given(case, "cpam:311", "--worker", case.worker, "--event", case.event)
    assert first.code == 0
    assert given(case).json["outcome"] == "duplicate"
    assert (given(case).code, given(case).json["answer"]) == (0, "taken")
    assert again.json["id"] != first.json["id"]


def test_an_organism_without_a_part_in_the_case_is_told_so(case: Case) -> None:
    done = given(case, "cpam:811")
    assert (done.code, done.json["outcome"], done.json["answer"]) == (1, "registered", "declined")
    assert done.json["why"]


@pytest.mark.usefixtures("topics")
def test_a_case_that_nobody_knows_is_told() -> None:
    done = given(Case(uuid4().hex, "", ""))
    assert (done.code, done.out) == (1, "")
    assert "is known: look at its id" in done.err
