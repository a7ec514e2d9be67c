"""A worker moves between territories: his account goes along, what comes late follows, each told once."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.missions import files
from agents.missions.files import opened
from tests.unit.agents.records import OTHER_WORKER, WORKER
from tests.unit.agents.test_missions import (
    MARCH,
    WORLD,
    declared,
    entitlements,
    paid,
    reasons,
    rights,
    town,
    unpaid,
)
from tests.unit.agents.town import CAYENNE, RENNES, TOULOUSE, Said, Town

Step = Callable[[Town], None]


def move(to: Said, previous: Said, effective: str) -> Said:
    """Return a move; a previous place has no SIREN."""
    left = {name: value for name, value in previous.items() if name != "siren"}
    return {"worker": to, "previous": left, "effective": effective}


def answered(of: Town, organism: str) -> list[tuple[str, str]]:
    """Return what an organism acknowledged, in order: the event's name and the level."""
    levels = ("acknowledgement.received", "acknowledgement.reported")
    return [
        (of.published[str(said["cause"])], name.partition(".")[2])
        for _, name, said in of.said
        if name in levels and said["organism"] == organism
    ]


def moved_to_cayenne() -> Town:
    """Return a town whose worker owes a period under a delay, and moved overseas on 10 March."""
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("300.00"))
    here.happen("payment-delay.granted", MARCH.format(3), {"period": "2026-T1", "until": "2026-03-31"})
    here.happen("territory.changed", MARCH.format(9), move(CAYENNE, TOULOUSE, "2026-03-10"))
    return here


def test_the_move_itself_tells_nothing_new() -> None:
    here = moved_to_cayenne()
    assert [organism for organism, *_ in rights(here)] == ["carsat:31"]
    assert [organism for organism, *_ in entitlements(here)] == ["cpam:311", "cpam:311"]


def test_the_organism_he_comes_to_goes_on_from_what_the_other_recorded() -> None:
    here = moved_to_cayenne()
    here.happen("contribution.paid", MARCH.format(12), paid("600.00"))
    assert rights(here)[-1] == ("cgss:973", 2026, "4000.00", 2)
    assert entitlements(here)[-1] == ("cgss:973", "2026-03-12", "1.0000", True)


def test_the_ledger_of_collection_goes_along() -> None:
    here = moved_to_cayenne()
    here.happen("career.disputed", MARCH.format(12), {"year": 2026, "claimed": 4})
    assert [said["organism"] for said in here.told("acknowledgement.reported")][-1] != "urssaf:midi-pyrenees"
    held = opened("collection", WORKER, here.memories["cgss"]).account
    assert [period for period, _ in held.periods()] == ["2026-T1"]


def test_a_contribution_in_flight_goes_where_its_date_says_and_is_counted_where_the_account_is() -> None:
    """Dated before the move, it is answered by CARSAT and CPAM; the CGSS's later sums include it."""
    here = moved_to_cayenne()
    here.happen("contribution.paid", MARCH.format(5), paid("300.00"), id_="late")
    received = {s["organism"] for s in here.told("acknowledgement.received")}
    assert {"carsat:31", "cpam:311"} <= received
    assert rights(here)[-1] == ("carsat:31", 2026, "2666.67", 1)
    here.happen("contribution.paid", MARCH.format(12), paid("300.00"))
    assert rights(here)[-1] == ("cgss:973", 2026, "4000.00", 2)


def test_a_correction_of_what_was_before_the_move_is_made_where_the_account_is() -> None:
    here = town()
    case = here.happen("contribution.paid", MARCH.format(2), paid("300.00"), id_="wrong")
    here.happen("territory.changed", MARCH.format(9), move(CAYENNE, TOULOUSE, "2026-03-10"))
    annulled = {"event": "wrong", "source": "urn:test:producer", "reason": "of another worker"}
    here.happen("case.annulled", MARCH.format(12), annulled, case=case)
    assert [(year, income) for _, year, income, _ in rights(here)[1:]] == [(2026, "0.00")]


def test_the_end_of_a_delay_is_told_once_by_the_organism_of_that_day_at_its_own_midnight() -> None:
    here = moved_to_cayenne()
    here.wait_until("2026-05-01T00:00:00+02:00")
    ended = [(at, said["organism"]) for at, name, said in here.said if said.get("on") == "2026-04-01"]
    assert ended == [("2026-04-01T03:00:00.000Z", "cgss:973")]


def test_he_comes_back_and_the_account_with_him() -> None:
    here = moved_to_cayenne()
    here.happen("contribution.paid", MARCH.format(12), paid("300.00"))
    here.happen("territory.changed", MARCH.format(15), move(RENNES, CAYENNE, "2026-03-16"))
    here.happen("contribution.paid", MARCH.format(17), paid("300.00"))
    assert rights(here)[-1] == ("carsat:35", 2026, "4000.00", 2)
    assert entitlements(here)[-1] == ("cpam:351", "2026-03-17", "1.0000", True)


def test_organisms_of_one_agent_share_the_account() -> None:
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("300.00"))
    here.happen("territory.changed", MARCH.format(9), move(RENNES, TOULOUSE, "2026-03-10"))
    here.happen("contribution.paid", MARCH.format(12), paid("600.00"))
    assert rights(here) == [("carsat:31", 2026, "1333.33", 0), ("carsat:35", 2026, "4000.00", 2)]


def test_a_move_from_where_nobody_can_be_found_is_waited_for_in_vain_by_nobody() -> None:
    """Mayotte is outside article L233-1: there is no account to come."""
    mayotte = {"residence": "97608", "establishment": "97608"}
    here = town()
    here.happen("territory.changed", MARCH.format(2), move(CAYENNE, mayotte, "2026-03-02"))
    here.happen("contribution.paid", MARCH.format(3), paid("900.00"))
    assert rights(here) == [("cgss:973", 2026, "4000.00", 2)]


def test_workers_that_restart_after_every_event_tell_the_same() -> None:
    """What they know is in their state: processes come and go."""
    here = Town(WORLD)
    for number, (name, day, data) in enumerate(_STORY):
        here.publish(name, MARCH.format(day), data, id_=f"e{number}")
        again = Town(WORLD)
        again.memories, again.inboxes, again.said = here.memories, here.inboxes, here.said
        files._recent.clear()
        again.work()
        here = again
    told = [(name, dict(data)) for _, name, data in here.said]
    assert sorted(map(repr, told)) == _IN_ORDER


def test_nothing_of_him_is_answered_before_his_account_is_there() -> None:
    """Who he comes to accepts him, and records what he pays, with the account; a neighbour does not wait."""
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("300.00"))
    here.publish("territory.changed", MARCH.format(9), move(CAYENNE, TOULOUSE, "2026-03-10"))
    here.publish("contribution.paid", MARCH.format(11), paid("600.00"))
    neighbour = {"worker": CAYENNE, "start": "2026-01-01"}
    here.publish("activity.registered", MARCH.format(12), neighbour, worker=OTHER_WORKER)
    here.work("cgss")
    assert answered(here, "cgss:973") == [
        ("activity.registered", "received"),
        ("activity.registered", "reported"),
    ]
    for agent in ("carsat", "urssaf", "cpam"):
        here.work(agent)
        here.work("cgss")
        assert (("territory.changed", "received") in answered(here, "cgss:973")) == (agent == "cpam")
    assert answered(here, "cgss:973")[2:] == [
        ("territory.changed", "received"),
        ("territory.changed", "reported"),
        ("contribution.paid", "received"),
        ("contribution.paid", "reported"),
    ]
    assert rights(here)[-1] == ("cgss:973", 2026, "4000.00", 2)


@given(st.randoms(use_true_random=False))
def test_however_the_inboxes_are_worked_the_same_is_told_once(random: Random) -> None:
    """Lanes run side by side: each organism keeps its own order, nobody keeps anybody else's."""
    assert sorted(map(repr, _told(random))) == _IN_ORDER


@pytest.mark.parametrize("seed", range(20))
def test_what_comes_late_ends_in_the_same_account_however_the_inboxes_are_worked(seed: int) -> None:
    here = _published(_STORY + _LATE, Random(seed))
    straight = _published(_STORY + _LATE, None)
    for mission in ("health", "collection", "retirement"):
        agent = {"health": "cpam", "collection": "urssaf", "retirement": "carsat"}[mission]
        found, wanted = (opened(mission, WORKER, one.memories[agent]) for one in (here, straight))
        assert found.account == wanted.account
        assert found.told == wanted.told


_STORY: list[tuple[str, int, Said]] = [
    ("activity.registered", 1, {"worker": TOULOUSE, "start": "2026-01-01"}),
    ("contribution.paid", 2, paid("300.00")),
    ("payment-delay.granted", 3, {"period": "2026-T1", "until": "2026-03-14"}),
    ("income.declared", 4, declared("9000.00")),
    ("territory.changed", 9, move(CAYENNE, TOULOUSE, "2026-03-10")),
    ("contribution.paid", 11, paid("300.00")),
    ("sick-leave.received", 12, {"starts": "2026-03-11", "ends": "2026-03-20"}),
    ("contribution.paid", 13, paid("300.00")),
    ("territory.changed", 15, move(RENNES, CAYENNE, "2026-03-16")),
    ("career.disputed", 17, {"year": 2026, "claimed": 4}),
    ("contribution.paid", 18, paid("900.00", "2026-T2")),
    ("contribution.unpaid", 19, unpaid("2026-T3")),
]
_LATE: list[tuple[str, int, Said]] = [
    ("contribution.paid", 12, paid("200.00", "2026-T3")),
    ("contribution.paid", 5, paid("100.00", "2026-T3")),
]


def _published(story: list[tuple[str, int, Said]], random: Random | None) -> Town:
    """Let everything be published; inboxes are worked as chance has it, or each time to the end."""
    here = Town(WORLD)
    for number, (name, day, data) in enumerate(story):
        here.publish(name, MARCH.format(day), data, id_=f"e{number}")
        if random is None:
            here.work()
        elif random.random() < 0.3:
            here.work(random.choice(list(here.organisms)))
    if random is not None:
        here.work_in_any_order(random)
    return here


def _told(random: Random | None) -> list[tuple[str, object]]:
    here = _published(_STORY, random)
    assert reasons(here, "urssaf:bretagne") == [
        [
            "2026-T1: 900.00 paid of 900.00 due, base 4000.00",
        ]
    ]
    return [(name, dict(data)) for _, name, data in here.said]


_IN_ORDER = sorted(map(repr, _told(None)))
