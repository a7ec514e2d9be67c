"""What an organism does while its own system is out of order."""

from dataclasses import replace
from datetime import datetime

import pytest

from agents.cpam import Cpam
from agents.outages import DeclaredOutages
from agents.roles import load_world
from agents.urssaf import Urssaf
from coordination.outages import NO_OUTAGES, Outage, Outages
from schemas.outages import OUTAGE, DeclaredOutage
from streaming.parking import Retry
from streaming.topics import Registry
from tests.unit.agents.mandates import asked
from tests.unit.agents.records import Kept, Memory

NOW = 1_772_442_000_000
WORLD = load_world(Registry.load())
SICK: dict[str, object] = {"starts": "2026-03-01", "ends": "2026-03-10"}


def cpam(*outages: Outage) -> Cpam:
    """Return the agent of the CPAM, told of these outages."""
    return Cpam(replace(WORLD, outages=Outages.of(outages)))


def at(record: Kept, now: int) -> Kept:
    """Return a record as it is worked at an instant."""
    return replace(record, timestamp=now)


@pytest.mark.parametrize(("ends", "wait"), [(NOW + 60_000, 50_000), (None, None)])
def test_what_only_its_system_can_treat_waits_for_it(ends: int | None, wait: int | None) -> None:
    """Until the outage ends, or, if nobody knows when, it is tried again and again; then it is received."""
    agent = cpam(Outage("cpam:311", NOW, ends))
    request = asked("sick-leave.received", SICK, "cpam:311")
    with pytest.raises(Retry, match="cpam:311") as raised:
        agent(at(request, NOW + 10_000), Memory())
    assert raised.value.after_ms == wait
    assert len(agent(at(request, NOW - 1), Memory()).outputs) == 1
    if ends is not None:
        assert len(agent(at(request, ends), Memory()).outputs) == 1


def test_the_longest_of_several_outages_counts() -> None:
    """One of which nobody knows the end makes the end unknown."""
    until = [Outage("cpam:311", NOW, NOW + wait) for wait in (5_000, 9_000)]
    request = at(asked("sick-leave.received", SICK, "cpam:311"), NOW)
    with pytest.raises(Retry) as raised:
        cpam(*until)(request, Memory())
    assert raised.value.after_ms == 9_000
    with pytest.raises(Retry) as raised:
        cpam(*until, Outage("cpam:311", NOW - 1, None))(request, Memory())
    assert raised.value.after_ms is None


def test_what_needs_nobody_and_who_is_not_out_of_order_go_on() -> None:
    """Who is informed receives, a lead that reports by itself reports, its neighbours are not touched."""
    outage = Outage("cpam:311", NOW, None)
    for request in (
        asked("sick-leave.received", SICK, "cpam:321"),
        asked("activity.ceased", {"end": "2026-02-28"}, "cpam:311", role="support"),
        asked("contribution.paid", {}, "cpam:311", role="informed", acknowledge="received"),
    ):
        assert cpam(outage)(at(request, NOW), Memory()).outputs
    urssaf = Urssaf(replace(WORLD, outages=Outages.of([replace(outage, organism="urssaf:bretagne")])))
    call = asked("activity.modified", {}, "urssaf:bretagne")
    assert len(urssaf(at(call, NOW), Memory()).outputs) == 2


def test_the_word_of_the_system_that_is_back_is_heard() -> None:
    """What an organism's own system said is not held back by an outage that somebody forgot to end."""
    word = asked("acknowledgement.reported", {"organism": "cpam:311", "code": 0}, "cpam:311")
    assert cpam(Outage("cpam:311", NOW, None))(at(word, NOW), Memory()).outputs == []


# -- what operators declare ---------------------------------------------------------------------------


def declared(starts: str, ends: str | None = None, organism: str = "cpam:311") -> Kept:
    """Return a record of l233.outages."""
    key = f"{organism}/{starts}".encode()
    return Kept("l233.outages", OUTAGE.dump_json(DeclaredOutage(organism, starts, ends)), key=key)


def known(*records: Kept) -> Outages:
    """Return the outages of a world that has heard these records."""
    world = load_world(Registry.load())
    DeclaredOutages(world).take(records)
    return world.outages


def test_the_latest_word_on_an_outage_counts() -> None:
    """Declared without an end, then ended; another one of the same organism stands beside it."""
    first, second = "2026-03-02T08:00:00+01:00", "2026-03-05T08:00:00+01:00"
    ended = declared(first, "2026-03-02T12:00:00+01:00")
    outages = known(declared(first), declared(second), ended).by_organism["cpam:311"]
    assert [outage.ends_ms for outage in outages] == [
        datetime.fromisoformat("2026-03-02T12:00:00+01:00").timestamp() * 1000,
        None,
    ]


def test_an_outage_that_is_withdrawn_never_was() -> None:
    """A record without a value under its key takes it back."""
    record = declared("2026-03-02T08:00:00+01:00")
    assert known(record, replace(record, value=None)) == NO_OUTAGES


@pytest.mark.parametrize(
    "broken",
    [
        declared("2026-03-02T08:00:00"),
        declared("2026-03-02T08:00:00+01:00", "2026-03-02T07:00:00+01:00"),
        declared("2026-03-02T08:00:00+01:00", organism="cpam:999"),
        Kept("l233.outages", b"{}", key=b"k"),
    ],
)
def test_what_is_no_outage_changes_nothing(broken: Kept) -> None:
    """It is told in the log; the worker goes on with what it knows."""
    good = declared("2026-03-01T08:00:00+01:00")
    assert known(good, broken) == known(good)
