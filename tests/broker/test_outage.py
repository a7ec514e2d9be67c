"""An organism that is out of order, on a real Kafka: what only its system can treat waits, all else flows."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from streaming.clock import set_clock
from streaming.records import Record
from tests.broker.command import l233, one_line
from tests.broker.system import Event, System, Watch, binary, content, header, living_at, someone, system

TOULOUSE = living_at("31555")
CPAM = "cpam:311"
STARTS = "2026-03-02T09:00:00+01:00"


@pytest.fixture(scope="module")
def running(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Every role at work."""
    with system(bootstrap, tmp_path_factory.mktemp("l233")) as found:
        yield found


def outage(running: System, *arguments: str) -> dict[str, object]:
    """Run `l233 outage`, and return once the worker has heard of what it declared."""
    heard = running.logs().count("outages_known")
    done = l233(
        "outage",
        *arguments,
        "--json",
        cwd=running.crew.folder,
        L233_BOOTSTRAP=running.bootstrap,
        L233_CLOCK=str(running.crew.clock),
    )
    assert done.returncode == 0, done.stderr
    until = time.monotonic() + 30
    while arguments[0] != "list" and running.logs().count("outages_known") == heard:
        assert time.monotonic() < until, "the worker did not hear of it"
        time.sleep(0.1)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def said_by(records: list[Record], organism: str) -> list[str]:
    """Return the levels that an organism's own agent gave, in order."""
    return [
        str(header(one, "ce_type")).split(".")[3]
        for one in records
        if content(one)["organism"] == organism and header(one, "ce_source") != "urn:l233:intake"
    ]


def acknowledgements(watch: Watch, worker: str) -> list[Record]:
    """Return what was acknowledged about a worker."""
    return [one for one in watch.since("l233.acknowledgements") if header(one, "ce_subject") == worker]


@pytest.fixture
def declared(running: System) -> Iterator[dict[str, object]]:
    """Declare an outage, and take it back afterwards: other tests share this Kafka and the CPAM."""
    found = outage(running, "declare", CPAM, "--starts", STARTS)
    yield found
    outage(running, "withdraw", CPAM, "--starts", STARTS)


def test_an_outage_holds_back_what_waits_for_the_organism_and_nothing_else(
    running: System, declared: dict[str, object]
) -> None:
    """The sick leave and what follows it wait in order; another worker's registration does not."""
    clock = running.crew.clock
    assert clock is not None
    assert declared == {"organism": CPAM, "starts": STARTS, "ends": None}
    assert outage(running, "list") == {"outages": [declared]}
    watch, ill, well = running.watch(), someone(), someone()
    leave = Event(
        "sick-leave.received", {"worker": TOULOUSE, "starts": "2026-03-01", "ends": "2026-03-10"}, ill
    )
    after = Event("activity.registered", {"worker": TOULOUSE, "start": "2026-03-01"}, ill)
    other = Event("activity.registered", {"worker": TOULOUSE, "start": "2026-03-01"}, well)
    running.publish(binary(leave), binary(after), binary(other))
    watch.records("l233.inbox.cpam", ill, 2)
    watch.records("l233.inbox.cpam", well, 1)
    watch.settled()
    assert said_by(acknowledgements(watch, ill), CPAM) == []
    assert said_by(acknowledgements(watch, well), CPAM) == ["received"]

    assert outage(running, "end", CPAM, "--at", "2026-03-02T10:05:00+01:00")["ends"] is not None
    set_clock(clock, datetime.fromisoformat("2026-03-02T10:10:00+01:00"))
    until = time.monotonic() + 30
    while len(said_by(acknowledgements(watch, ill), CPAM)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    received = [one for one in acknowledgements(watch, ill) if content(one)["organism"] == CPAM]
    causes = [
        header(one, "ce_causationid") for one in received if header(one, "ce_source") == "urn:l233:cpam"
    ]
    assert causes == [leave.id, after.id]


def test_an_outage_can_be_taken_back_and_what_is_not_there_is_told(running: System, tmp_path: Path) -> None:
    """A withdrawn outage is no longer listed; to end what does not go on fails in one line."""
    starts = "2026-02-01T08:00:00+01:00"
    outage(running, "declare", "carsat:31", "--starts", starts, "--ends", "2026-02-02T08:00:00+01:00")
    withdrawn = outage(running, "withdraw", "carsat:31", "--starts", starts)
    assert withdrawn["withdrawn"] == {
        "organism": "carsat:31",
        "starts": starts,
        "ends": "2026-02-02T08:00:00+01:00",
    }
    listed = outage(running, "list")["outages"]
    assert isinstance(listed, list)
    assert "carsat:31" not in [one["organism"] for one in listed]
    failed = l233("outage", "end", "carsat:31", cwd=tmp_path, L233_BOOTSTRAP=running.bootstrap)
    assert failed.returncode == 1
    assert "no outage of carsat:31 goes on" in one_line(failed)
