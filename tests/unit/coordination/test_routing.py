"""Who is concerned by an event: every type in every kind of place, compared with the table of the domain."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.calendar import Delay
from coordination.expressions import Fixed, Own, Simple
from coordination.routing import route
from coordination.rulebook import ROLES, Assignment, Obligation, Role, Rule
from coordination.situation import situation_of
from schemas.codes import KINDS
from schemas.events import CONTRACTS
from schemas.records import Decision, Recipient, Situation
from schemas.refusal import Refusal
from schemas.validation import Event
from tests.unit.coordination.examples import (
    OWN_DATA,
    Data,
    directory,
    event,
    place,
    shipped,
    worker,
)

NOWHERE: Final = "outside_scheme"
SEVERAL: Final = "ambiguous_territory"


class Place(NamedTuple):
    """A worker block and who should have the three missions there, or why nobody has."""

    block: Data
    health: str
    collection: str
    retirement: str


PLACES: Final = {
    "one region": Place(worker("31555"), "cpam:311", "urssaf:midi-pyrenees", "carsat:31"),
    "59 without attachment": Place(worker("59350"), SEVERAL, "urssaf:nord-pas-de-calais", "carsat:59"),
    "59 with attachment": Place(
        worker("59350", health="cpam:599"), "cpam:599", "urssaf:nord-pas-de-calais", "carsat:59"
    ),
    "62": Place(worker("62041"), SEVERAL, "urssaf:nord-pas-de-calais", "carsat:59"),
    "64": Place(worker("64102"), SEVERAL, "urssaf:aquitaine", "carsat:33"),
    "76 with attachment": Place(
        worker("76540", health="cpam:764"), "cpam:764", "urssaf:normandie", "carsat:76"
    ),
    "13": Place(worker("13055"), "cpam:131", "urssaf:provence-alpes-cote-d-azur", "carsat:13"),
    "07, not 071": Place(worker("07186"), "cpam:072", "urssaf:rhone-alpes", "carsat:69"),
    "Corse-du-Sud": Place(worker("2A004"), "cpam:201", "urssaf:corse", "carsat:13"),
    "Haute-Corse": Place(worker("2B033"), "cpam:202", "urssaf:corse", "carsat:13"),
    "Lozère": Place(worker("48095"), "ccss:481", "ccss:481", "carsat:34"),
    "Île-de-France": Place(worker("75101"), "cpam:751", "urssaf:ile-de-france", "cnav:ile-de-france"),
    "Moselle": Place(worker("57463"), "cpam:571", "urssaf:lorraine", "carsat:67"),
    "Bas-Rhin": Place(worker("67482"), "cpam:673", "urssaf:alsace", "carsat:67"),
    "Guadeloupe": Place(worker("97105"), "cgss:971", "cgss:971", "cgss:971"),
    "Saint-Martin": Place(worker("97801"), "cgss:971", "cgss:971", "cgss:971"),
    "La Réunion": Place(worker("97411"), "cgss:974", "cgss:974", "cgss:974"),
    "Saint-Pierre-et-Miquelon": Place(worker("97502"), NOWHERE, NOWHERE, NOWHERE),
    "Mayotte": Place(worker("97611"), NOWHERE, NOWHERE, NOWHERE),
    "Saint-Barthélemy": Place(worker("97701"), NOWHERE, NOWHERE, NOWHERE),
    "lives in 31, works in 75": Place(
        worker("31555", "75101"), "cpam:311", "urssaf:ile-de-france", "carsat:31"
    ),
    "lives overseas": Place(worker("97411", "75101"), "cgss:974", "urssaf:ile-de-france", "cgss:974"),
    "works overseas": Place(worker("31555", "97209"), "cpam:311", "cgss:972", "carsat:31"),
    "lives outside": Place(worker("97611", "31555"), NOWHERE, "urssaf:midi-pyrenees", NOWHERE),
    "works outside": Place(worker("35238", "97701"), "cpam:351", NOWHERE, "carsat:35"),
    "attached elsewhere": Place(
        worker("97611", health="cpam:131", collection="urssaf:corse", retirement="carsat:35"),
        "cpam:131",
        "urssaf:corse",
        "carsat:35",
    ),
}

# Written from the table of the domain: H, C, R are the worker's own organisms, "oldX" those he leaves (in
# Toulouse in the examples), anything else is the organism that the example names or a national head.
MATRIX: Final[dict[str, tuple[str, str, str]]] = {
    "activity.registered": ("C", "", "H R"),
    "activity.modified": ("C", "", "H R"),
    "activity.ceased": ("C", "R", "H"),
    "territory.changed": ("H", "oldH R oldR", "C oldC"),
    "radiation.envisaged": ("C", "H R", ""),
    "radiation.decided": ("C", "", "H R"),
    "income.declared": ("C", "acoss", "H R"),
    "turnover.declared": ("C", "", "R"),
    "contribution.called": ("C", "", ""),
    "contribution.paid": ("C", "R", "H"),
    "contribution.unpaid": ("C", "", "H R"),
    "payment-delay.granted": ("C", "", "H"),
    "payment-delay.broken": ("C", "", "H"),
    "sick-leave.received": ("H", "C", "R"),
    "maternity.declared": ("H", "C", "R"),
    "retirement.requested": ("R", "C", "H"),
    "career.disputed": ("R", "C", ""),
    "social-aid.requested": ("urssaf:bretagne", "", ""),
    "difficulty.detected": ("carsat:35", "H C R", ""),
    "contact.received": ("H", "C", ""),
    "appointment.requested": ("H", "C", ""),
    "complaint.lodged": ("carsat:35", "", ""),
    "mediation.opened": ("urssaf:bretagne", "", "acoss"),
}
KIND_OF: Final = {"H": "health", "C": "collection", "R": "retirement"}


def decided(found: Decision | Refusal) -> Decision:
    """Return a decision, or fail with the refusal."""
    assert isinstance(found, Decision), found
    return found


def routed(happened: Event, known: Situation | None = None) -> Decision | Refusal:
    """Route an event by its own block, or by what is known."""
    block = happened.data.worker
    situation = situation_of(block, block.siren) if block is not None else known
    assert situation is not None
    return route(happened, shipped(), directory(), situation)


def roles(found: Decision) -> list[tuple[str, str]]:
    """Return role and organism of each recipient, as they stand."""
    return [(to.role, to.organism) for to in found.recipients]


def by(found: Decision) -> dict[str, str]:
    """Return the deadline of each organism."""
    return {to.organism: to.by for to in found.recipients}


def expected(name: str, at: Place) -> tuple[list[tuple[str, str]], set[tuple[str, str, str]]] | str:
    """Read the matrix: recipients and unresolved roles, or the reason for which nobody leads."""
    own = {"H": at.health, "C": at.collection, "R": at.retirement}
    left = {"oldH": "cpam:311", "oldC": "urssaf:midi-pyrenees", "oldR": "carsat:31"}
    recipients: dict[str, str] = {}
    unresolved: set[tuple[str, str, str]] = set()
    for role, cell in zip(ROLES, MATRIX[name], strict=True):
        for letter in cell.split():
            organism = {**own, **left}.get(letter, letter)
            if organism in {NOWHERE, SEVERAL}:
                if role == "lead":
                    return organism
                unresolved.add((KIND_OF[letter], role, organism))
            elif organism not in recipients:
                recipients[organism] = role
    order = {"lead": 0, "support": 1, "informed": 2}
    return sorted(((r, o) for o, r in recipients.items()), key=lambda x: (order[x[0]], x[1])), unresolved


def test_the_matrix_of_these_tests_knows_every_type() -> None:
    assert MATRIX.keys() == CONTRACTS.keys() == OWN_DATA.keys()


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", MATRIX)
def test_every_type_reaches_the_organisms_of_every_place(name: str, where: str) -> None:
    at = PLACES[where]
    found = routed(event(name, at=at.block))
    wanted = expected(name, at)
    if isinstance(found, Refusal):
        assert found.reason == wanted
        assert found.errors
    else:
        assert (roles(found), {(gap.kind, gap.role, gap.reason) for gap in found.unresolved}) == wanted


def test_a_gap_is_listed_once_per_kind_and_role() -> None:
    """Someone moves within the territory that L233-1 leaves out, attached to a CPAM only."""
    data = {**OWN_DATA["territory.changed"], "previous": place("97611")}
    found = decided(routed(event("territory.changed", data, at=worker("97701", health="cpam:131"))))
    assert [(gap.kind, gap.role) for gap in found.unresolved] == [
        ("health", "support"),
        ("retirement", "support"),
        ("collection", "informed"),
    ]


def test_moving_within_one_organism_keeps_one_recipient_with_the_strongest_role() -> None:
    data = {**OWN_DATA["territory.changed"], "previous": place("97105")}
    found = decided(routed(event("territory.changed", data, at=worker("97801"))))
    assert roles(found) == [("lead", "cgss:971")]


def test_the_attachments_of_the_place_left_count() -> None:
    data = {**OWN_DATA["territory.changed"], "previous": place("59350", health="cpam:595")}
    found = decided(routed(event("territory.changed", data, at=worker("31555"))))
    assert ("support", "cpam:595") in roles(found)


@pytest.mark.parametrize(
    ("subject", "lead"),
    [
        ("health", "cpam:311"),
        ("contributions", "urssaf:midi-pyrenees"),
        ("retirement", "carsat:31"),
        ("social_action", "cgss:973"),
        ("other", "cgss:973"),
    ],
)
@pytest.mark.parametrize("name", ["contact.received", "appointment.requested"])
def test_the_subject_of_a_contact_decides_who_leads(name: str, subject: str, lead: str) -> None:
    data = {**OWN_DATA[name], "subject": subject, "received_by": "cgss:973"}
    assert roles(decided(routed(event(name, data, at=worker("31555")))))[0] == ("lead", lead)


@pytest.mark.parametrize(
    ("against", "heads"),
    [
        ("cpam:311", ["cnam"]),
        ("urssaf:corse", ["acoss"]),
        ("carsat:31", ["cnav"]),
        ("cnav:ile-de-france", ["cnav"]),
        ("cgss:974", ["acoss", "cnam", "cnav"]),
        ("ccss:481", ["acoss", "cnam", "cnav"]),
    ],
)
def test_a_mediation_informs_the_national_heads_of_the_organism(against: str, heads: list[str]) -> None:
    found = decided(
        routed(event("mediation.opened", {"against": against, "prior_approach": True}, at=worker("31555")))
    )
    assert roles(found) == [("lead", against), *(("informed", head) for head in heads)]


def test_the_one_that_detected_a_difficulty_leads_and_the_others_support() -> None:
    data = {"detected_by": "cpam:311", "themes": ["family"]}
    found = decided(routed(event("difficulty.detected", data, at=worker("31555"))))
    assert roles(found) == [
        ("lead", "cpam:311"),
        ("support", "carsat:31"),
        ("support", "urssaf:midi-pyrenees"),
    ]


# --- deadlines -----------------------------------------------------------------------------------


def test_usual_deadlines_are_ten_working_days_and_one() -> None:
    found = decided(routed(event("activity.registered", at=worker("31555"))))
    assert [(to.organism, to.acknowledge, to.by, to.status) for to in found.recipients] == [
        ("urssaf:midi-pyrenees", "reported", "2026-03-16T23:59:59+01:00", "convention"),
        ("carsat:31", "received", "2026-03-03T23:59:59+01:00", "example"),
        ("cpam:311", "received", "2026-03-03T23:59:59+01:00", "example"),
    ]


@pytest.mark.parametrize(
    ("name", "organism", "end", "article"),
    [
        ("radiation.envisaged", "cpam:311", "2026-09-02T23:59:59+02:00", "R611-2"),
        ("radiation.envisaged", "carsat:31", "2026-09-02T23:59:59+02:00", "R611-2"),
        ("income.declared", "acoss", "2026-03-09T23:59:59+01:00", "R613-1-1"),
        ("mediation.opened", "urssaf:bretagne", "2026-06-02T23:59:59+02:00", "R612-9"),
    ],
)
def test_deadlines_of_the_law_say_their_article(name: str, organism: str, end: str, article: str) -> None:
    found = decided(routed(event(name, at=worker("31555"))))
    asked = next(to for to in found.recipients if to.organism == organism)
    assert (asked.by, asked.status) == (end, "law")
    assert article in asked.basis


def test_only_those_deadlines_are_the_law() -> None:
    """An invented deadline must never look like law."""
    for name in MATRIX:
        found = decided(routed(event(name, at=worker("31555"))))
        law = {(name, to.organism) for to in found.recipients if to.status == "law"}
        assert law <= {
            ("radiation.envisaged", "cpam:311"),
            ("radiation.envisaged", "carsat:31"),
            ("income.declared", "acoss"),
            ("mediation.opened", "urssaf:bretagne"),
        }
        assert "example" in found.basis


def test_holidays_are_those_of_the_departement_that_made_the_organism_competent() -> None:
    """On Maundy Thursday 2026, with the residence in Moselle and the establishment in Meurthe-et-Moselle."""
    thursday = "2026-04-02T10:00:00+02:00"
    found = by(decided(routed(event("payment-delay.broken", at=worker("57463", "54395"), time=thursday))))
    assert found["cpam:571"] == "2026-04-07T23:59:59+02:00"  # Good Friday and Easter Monday
    found = by(decided(routed(event("sick-leave.received", at=worker("57463", "54395"), time=thursday))))
    assert found["carsat:67"] == "2026-04-07T23:59:59+02:00"
    assert found["urssaf:lorraine"] == "2026-04-17T23:59:59+02:00"  # Good Friday worked in 54
    at_home = by(decided(routed(event("sick-leave.received", at=worker("57463"), time=thursday))))
    assert at_home["urssaf:lorraine"] == "2026-04-20T23:59:59+02:00"


def test_26_december_is_no_working_day_in_alsace() -> None:
    christmas = "2028-12-25T10:00:00+01:00"  # a Monday
    alsace = by(decided(routed(event("activity.registered", at=worker("67482"), time=christmas))))
    toulouse = by(decided(routed(event("activity.registered", at=worker("31555"), time=christmas))))
    assert alsace["cpam:673"] == "2028-12-27T23:59:59+01:00"
    assert toulouse["cpam:311"] == "2028-12-26T23:59:59+01:00"


def test_saint_martin_has_its_own_holidays_under_the_same_organism() -> None:
    """27 May is a holiday in Guadeloupe, 28 May in Saint-Martin."""
    eve = "2026-05-26T10:00:00-04:00"
    guadeloupe = routed(event("activity.registered", at=worker("97105", "31555"), time=eve))
    assert by(decided(guadeloupe))["cgss:971"] == "2026-05-28T23:59:59-04:00"
    saint_martin = routed(event("activity.registered", at=worker("97801", "31555"), time=eve))
    assert by(decided(saint_martin))["cgss:971"] == "2026-05-27T23:59:59-04:00"


def test_an_organism_by_attachment_follows_its_first_departement() -> None:
    """carsat:67 has 57, 67 and 68: the first has Good Friday, although the worker lives in Toulouse."""
    thursday = "2026-04-02T10:00:00+02:00"
    found = routed(event("activity.registered", at=worker("31555", retirement="carsat:67"), time=thursday))
    assert by(decided(found))["carsat:67"] == "2026-04-07T23:59:59+02:00"
    assert by(decided(found))["cpam:311"] == "2026-04-03T23:59:59+02:00"


def test_a_named_organism_follows_its_first_departement_and_a_national_head_the_nation() -> None:
    thursday = "2026-04-02T10:00:00+02:00"
    data = {"against": "carsat:67", "prior_approach": True}
    found = by(decided(routed(event("mediation.opened", data, at=worker("31555"), time=thursday))))
    assert found["cnav"] == "2026-04-03T23:59:59+02:00"
    data = {"against": "carsat:67", "subject": "other"}
    found = by(decided(routed(event("complaint.lodged", data, at=worker("31555"), time=thursday))))
    assert found["carsat:67"] == "2026-04-20T23:59:59+02:00"
    # cgss:971 has 971 and 978: 27 May is a holiday in the first, 28 May in the second
    data = {"against": "cgss:971", "subject": "other"}
    time = "2026-05-11T10:00:00-04:00"
    found = by(decided(routed(event("complaint.lodged", data, at=worker("97801"), time=time))))
    assert found["cgss:971"] == "2026-05-28T23:59:59-04:00"


@pytest.mark.parametrize(
    ("commune", "organism", "end"),
    [
        # 2 March 2026, 01:00 in Paris: still Sunday in the Americas, so Monday is the first working day
        ("97105", "cgss:971", "2026-03-16T23:59:59-04:00"),  # with Mi-Carême on 12 March
        ("97209", "cgss:972", "2026-03-13T23:59:59-04:00"),
        ("97302", "cgss:973", "2026-03-13T23:59:59-03:00"),
        ("97411", "cgss:974", "2026-03-16T23:59:59+04:00"),
        ("31555", "urssaf:midi-pyrenees", "2026-03-16T23:59:59+01:00"),
    ],
)
def test_the_day_of_the_event_is_the_one_of_the_organism(commune: str, organism: str, end: str) -> None:
    found = by(
        decided(routed(event("turnover.declared", at=worker(commune), time="2026-03-02T01:00:00+01:00")))
    )
    assert found[organism] == end


# --- merging, on invented rules ------------------------------------------------------------------

EXPRESSIONS: Final[list[Simple]] = [
    *(Own(kind) for kind in KINDS),
    *(Fixed(id_) for id_ in ("acoss", "cgss:971", "cpam:311", "urssaf:corse")),
]
OBLIGATIONS: Final = st.builds(
    Obligation,
    st.sampled_from(["received", "reported"]),
    st.builds(Delay, st.integers(1, 9), st.sampled_from(["days", "working days"])),
    st.uuids().map(str),
    st.just("example"),
)


def assignments(role: Role, least: int, most: int) -> st.SearchStrategy[list[Assignment]]:
    """Draw assignments of one role."""
    one = st.builds(Assignment, st.just(role), st.sampled_from(EXPRESSIONS), OBLIGATIONS)
    return st.lists(one, min_size=least, max_size=most)


@given(
    assignments("lead", 1, 1),
    assignments("support", 0, 5),
    assignments("informed", 0, 5),
    st.sampled_from(["97105", "31555", "48095", "97611"]),
)
def test_an_organism_is_one_recipient_with_the_strongest_of_its_roles(
    lead: list[Assignment], support: list[Assignment], informed: list[Assignment], commune: str
) -> None:
    """Whatever the rule, compared with gathering every role of every organism and keeping the best."""
    rule = Rule(
        "turnover.declared", "future-rights", (*lead, *support, *informed), None, "example", "example"
    )
    invented = replace(shipped(), rules=MappingProxyType({"turnover.declared": rule}))
    happened = event("turnover.declared", at=worker(commune))
    assert happened.data.worker is not None
    found = route(happened, invented, directory(), situation_of(happened.data.worker, "123456782"))

    every: dict[str, list[tuple[int, int]]] = {}
    unresolved: set[tuple[str, str]] = set()
    for order, assignment in enumerate(rule.assignments):
        match assignment.expression:
            case Own(kind):
                competent = directory().competent(kind, commune, commune, {})
                organism = None if isinstance(competent, str) else competent.organism.id
                if organism is None:
                    unresolved.add((kind, assignment.role))
            case Fixed(id_):
                organism = id_
            case _:
                raise AssertionError
        if organism is not None:
            every.setdefault(organism, []).append((ROLES.index(assignment.role), order))
    if isinstance(found, Refusal):
        assert "lead" in {role for _, role in unresolved}
        assert found.reason == NOWHERE
        return
    best = {organism: rule.assignments[min(having)[1]] for organism, having in every.items()}
    assert {to.organism: (to.role, to.acknowledge, to.basis) for to in found.recipients} == {
        organism: (kept.role, kept.obligation.acknowledge, kept.obligation.basis)
        for organism, kept in best.items()
    }
    assert len(found.recipients) == len(best)
    assert [_rank(to) for to in found.recipients] == sorted(_rank(to) for to in found.recipients)
    assert {(gap.kind, gap.role) for gap in found.unresolved} == unresolved
    assert len(found.unresolved) == len(unresolved)


def _rank(to: Recipient) -> tuple[int, str]:
    return ROLES.index(to.role), to.organism
