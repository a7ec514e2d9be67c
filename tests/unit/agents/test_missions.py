"""What the organisms do with contributions: rights, entitlements, differences, proofs; each once."""

from dataclasses import replace

import pytest

from agents.emission import MANDATE_HEADER
from agents.missions.retirement import mismatch_case
from agents.roles import load_world
from schemas.records import MANDATE
from streaming.topics import Registry
from tests.unit.agents.records import WORKER, header
from tests.unit.agents.town import CAYENNE, TOULOUSE, Said, Town

WORLD = load_world(Registry.load())
MARCH = "2026-03-{:02d}T10:00:00+01:00"


def paid(amount: str, period: str = "2026-T1", due: str = "900.00", base: str = "4000.00") -> Said:
    return {"period": period, "paid": amount, "due": due, "base": base}


def unpaid(period: str = "2026-T1") -> Said:
    return {"period": period, "due": "900.00", "missed": 1}


def declared(amount: str) -> Said:
    return {"year": 2026, "amount": amount, "source": "tax_authority"}


def town(worker: Said = TOULOUSE) -> Town:
    """Return a town in which a worker is registered."""
    made = Town(WORLD)
    made.happen("activity.registered", MARCH.format(1), {"worker": worker, "start": "2026-01-01"})
    return made


def reasons(of: Town, organism: str) -> list[list[str]]:
    """Return the reasons of the reports of an organism."""
    reports = of.told("acknowledgement.reported")
    return [list(said["reasons"]) for said in reports if said["organism"] == organism and "reasons" in said]  # type: ignore[call-overload]  # a list


def entitlements(of: Town) -> list[tuple[object, ...]]:
    return [(s["organism"], s["on"], s["ratio"], s["full"]) for s in of.told("entitlement.updated")]


def rights(of: Town) -> list[tuple[object, ...]]:
    return [(s["organism"], s["year"], s["income"], s["quarters"]) for s in of.told("rights.recorded")]


def test_an_entitlement_falls_is_kept_by_a_delay_ends_with_it_and_comes_back() -> None:
    """CPAM tells each change once, the end of the delay by its timer, at midnight after its last day."""
    here = town()
    here.happen("contribution.unpaid", MARCH.format(2), unpaid())
    case = here.happen("payment-delay.granted", MARCH.format(3), {"period": "2026-T1", "until": "2026-03-31"})
    here.happen("contribution.paid", "2026-04-10T10:00:00+02:00", paid("900.00"))
    assert entitlements(here) == [
        ("cpam:311", "2026-03-02", "0.0000", False),
        ("cpam:311", "2026-03-03", "0.0000", True),
        ("cpam:311", "2026-04-01", "0.0000", False),
        ("cpam:311", "2026-04-10", "1.0000", True),
    ]
    ended = next((at, said) for at, name, said in here.said if said.get("on") == "2026-04-01")
    assert ended[0] == "2026-03-31T22:00:00.000Z"
    assert ended[1]["case"] == case
    assert ended[1]["because"] == "the payment delay of 2026-T1 ended on 2026-03-31"


def test_a_broken_delay_is_told_at_once_and_its_end_says_nothing_more() -> None:
    here = town()
    here.happen("contribution.unpaid", MARCH.format(2), unpaid())
    here.happen("payment-delay.granted", MARCH.format(3), {"period": "2026-T1", "until": "2026-03-31"})
    here.happen("payment-delay.broken", MARCH.format(4), {"period": "2026-T1"})
    here.wait_until("2026-05-01T00:00:00+02:00")
    assert [on for _, on, _, _ in entitlements(here)] == ["2026-03-02", "2026-03-03", "2026-03-04"]


def test_the_end_of_a_delay_is_the_same_event_whether_a_timer_or_the_next_event_tells_it() -> None:
    """A timer that is late, or an event that comes before it, changes neither content nor id."""

    def told(in_time: bool) -> list[object]:
        here = town()
        here.happen("contribution.unpaid", MARCH.format(2), unpaid())
        here.happen("payment-delay.granted", MARCH.format(3), {"period": "2026-T1", "until": "2026-03-04"})
        if in_time:
            here.wait_until(MARCH.format(6))
        here.publish("contribution.paid", MARCH.format(7), paid("900.00"), id_="late")
        here.work()
        here.wait_until("2026-05-01T00:00:00+02:00")
        return [said for _, name, said in here.said if name == "entitlement.updated"]

    assert told(in_time=True) == told(in_time=False)


def test_rights_are_recorded_at_every_change_and_at_nothing_else() -> None:
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("300.00"))
    here.happen("contribution.unpaid", MARCH.format(3), unpaid())
    here.happen("contribution.paid", MARCH.format(4), paid("600.00"))
    here.happen("contribution.paid", MARCH.format(5), paid("50.00"))
    assert rights(here) == [("carsat:31", 2026, "1333.33", 0), ("carsat:31", 2026, "4000.00", 2)]


def test_a_difference_is_a_case_of_its_own_with_the_collection_organism_and_its_deadline() -> None:
    """30 working days from 7 April: 1 and 8 May and Ascension (14 May) are none."""
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    here.publish("income.declared", "2026-04-07T10:00:00+02:00", declared("5000.00"))
    here.work("carsat")
    asked = here.inboxes["urssaf"][-1]
    mandate = MANDATE.validate_json(dict(asked.headers)[MANDATE_HEADER])
    assert (mandate.organism, mandate.role, mandate.acknowledge) == (
        "urssaf:midi-pyrenees",
        "lead",
        "reported",
    )
    assert mandate.by == "2026-05-22T23:59:59+02:00"
    assert mandate.case == mismatch_case(WORKER, 2026)
    here.work()
    assert here.told("rights.mismatch") == [
        {"organism": "carsat:31", "year": 2026, "declared": "5000.00", "recorded": "4000.00"}
    ]
    received = [said for _, name, said in here.said if said["case"] == mandate.case]
    assert [said["organism"] for said in received] == ["carsat:31", "urssaf:midi-pyrenees"]


def test_the_outcome_of_a_difference_says_what_is_asked_so_that_its_case_knows() -> None:
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    here.publish("income.declared", MARCH.format(3), declared("5000.00"))
    kept = here.inboxes["carsat"].popleft()
    outputs = here.organisms["carsat"](kept, here.memories["carsat"]).outputs
    outcome, inbox = (output for output in outputs if header(output, MANDATE_HEADER))
    assert (outcome.topic, inbox.topic) == ("l233.outcomes", "l233.inbox.urssaf")
    assert (outcome.value, outcome.headers) == (inbox.value, inbox.headers)


def test_rights_that_close_a_difference_are_told_in_its_case() -> None:
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    here.happen("income.declared", MARCH.format(3), declared("8000.00"))
    own = here.happen("contribution.paid", MARCH.format(4), paid("300.00", "2026-T2"))
    here.happen("contribution.paid", MARCH.format(5), paid("600.00", "2026-T2"))
    told = [(s["income"], s["case"]) for _, name, s in here.said if name == "rights.recorded"]
    assert told[1:] == [("5333.33", own), ("8000.00", mismatch_case(WORKER, 2026))]


def test_a_declaration_that_is_corrected_or_annulled_ends_the_difference() -> None:
    """The rights stand as they were recorded: that is told once, in the case of the difference."""
    correction = {"event": "said", "source": "urn:test:producer"}
    for name, data in (
        ("case.updated", {**correction, "data": declared("4000.00")}),
        ("case.annulled", {**correction, "reason": "of another worker"}),
    ):
        here = town()
        here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
        case = here.happen("income.declared", MARCH.format(3), declared("8000.00"), id_="said")
        here.happen(name, MARCH.format(4), data, case=case)
        here.happen("contribution.unpaid", MARCH.format(5), unpaid("2026-T2"))
        told = [(s["income"], s["quarters"], s["case"]) for _, n, s in here.said if n == "rights.recorded"]
        assert told[1:] == [("4000.00", 2, mismatch_case(WORKER, 2026))]


def test_a_year_without_parameter_is_told_in_the_report_and_recorded_once_it_has_one() -> None:
    here = Town(replace(WORLD, parameters={}))
    here.happen("activity.registered", MARCH.format(1), {"worker": TOULOUSE, "start": "2026-01-01"})
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    assert rights(here) == []
    assert reasons(here, "carsat:31") == [["rights of 2026 wait: scheme/parameters.csv has no line for 2026"]]
    later = Town(WORLD)
    later.memories = here.memories
    later.happen("contribution.unpaid", MARCH.format(3), unpaid("2025-T4"), id_="next")
    assert rights(later) == [("carsat:31", 2026, "4000.00", 2)]


def test_urssaf_answers_a_sick_leave_from_its_ledger() -> None:
    here = town()
    here.happen("sick-leave.received", MARCH.format(2), {"starts": "2026-03-01", "ends": "2026-03-09"})
    here.happen("income.declared", MARCH.format(3), {**declared("30000.00"), "year": 2025})
    here.happen("contribution.paid", MARCH.format(3), paid("300.00"))
    here.happen("payment-delay.granted", MARCH.format(4), {"period": "2026-T1", "until": "2026-09-30"})
    here.happen("maternity.declared", MARCH.format(5), {"starts": "2026-03-01", "ends": "2026-06-09"})
    assert reasons(here, "urssaf:midi-pyrenees") == [
        ["no income, contribution or payment delay is known"],
        [
            "income declared for 2025: 30000.00",
            "contributions: 300.00 paid of 900.00 due",
            "payment delay of 2026-T1: granted until 2026-09-30",
        ],
    ]


def test_urssaf_proves_payments_when_a_career_is_disputed_and_carsat_waits_for_a_person() -> None:
    here = town()
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    here.happen("contribution.unpaid", MARCH.format(2), unpaid("2026-T2"))
    case = here.happen("career.disputed", MARCH.format(3), {"year": 2026, "claimed": 4})
    here.happen("career.disputed", MARCH.format(4), {"year": 2019, "claimed": 4})
    here.happen("retirement.requested", MARCH.format(5), {"starts": "2026-09-01", "complete": True})
    assert reasons(here, "urssaf:midi-pyrenees") == [
        ["2026-T1: 900.00 paid of 900.00 due, base 4000.00", "2026-T2: 0.00 paid of 900.00 due, base 0.00"],
        ["no contribution of 2019 is known"],
        ["2026: 900.00 paid of 1800.00 due"],
    ]
    said = [data for _, name, data in here.said if data["case"] == case and name.endswith("reported")]
    assert [data["organism"] for data in said] == ["urssaf:midi-pyrenees"]


@pytest.mark.parametrize(
    ("residence", "establishment", "health", "retirement"),
    [("31555", "97302", "cpam:311", "carsat:31"), ("97302", "31555", "cgss:973", "cgss:973")],
)
def test_a_cgss_acts_only_in_the_missions_it_has_for_the_worker(
    residence: str, establishment: str, health: str, retirement: str
) -> None:
    """He lives here and works there: nobody records his rights twice."""
    here = town({"siren": "732829320", "residence": residence, "establishment": establishment})
    here.happen("contribution.paid", MARCH.format(2), paid("300.00"))
    assert [organism for organism, *_ in rights(here)] == [retirement]
    assert [organism for organism, *_ in entitlements(here)] == [health]


def test_a_cgss_does_all_three_in_its_territory() -> None:
    here = town(CAYENNE)
    here.happen("contribution.paid", MARCH.format(2), paid("900.00"))
    here.happen("income.declared", MARCH.format(3), declared("5000.00"))
    assert rights(here) == [("cgss:973", 2026, "4000.00", 2)]
    received = [
        s for _, n, s in here.said if n.endswith("received") and s["case"] == mismatch_case(WORKER, 2026)
    ]
    assert [said["organism"] for said in received] == ["cgss:973"]


def test_what_is_annulled_is_taken_back_by_new_events() -> None:
    here = town()
    case = here.happen("contribution.paid", MARCH.format(2), paid("300.00"), id_="wrong")
    annulled = {"event": "wrong", "source": "urn:test:producer", "reason": "of another worker"}
    here.happen("case.annulled", MARCH.format(3), annulled, case=case)
    assert rights(here)[1:] == [("carsat:31", 2026, "0.00", 0)]
    assert entitlements(here)[1:] == [("cpam:311", "2026-03-03", "1.0000", True)]


def test_what_is_updated_is_counted_anew() -> None:
    here = town()
    case = here.happen("contribution.paid", MARCH.format(2), paid("300.00"), id_="wrong")
    update = {"event": "wrong", "source": "urn:test:producer", "data": paid("450.00", "2025-T4")}
    here.happen("case.updated", MARCH.format(3), update, case=case)
    assert rights(here)[1:] == [("carsat:31", 2025, "2000.00", 1), ("carsat:31", 2026, "0.00", 0)]
    assert entitlements(here)[1:] == [("cpam:311", "2026-03-03", "0.5000", False)]
