"""The data that is shipped: complete, consistent, and never taken for the law."""

import csv
from collections import Counter

from stdnum.fr import siret

import scheme
from coordination.directory import parse_directory
from coordination.scheme_file import read_rulebook
from schemas.codes import DEPARTEMENTS, KINDS
from schemas.follow_ups import ACKNOWLEDGEMENTS
from schemas.inputs import INPUTS

DIRECTORY = parse_directory(scheme.organisms(), scheme.territories())
RULEBOOK = read_rulebook(scheme.versions(), DIRECTORY)


def test_every_version_has_a_rule_for_every_event_type() -> None:
    """A new type without a rule would be refused in production as no_rule; an acknowledgement asks nobody."""
    for version in RULEBOOK.schemes:
        assert version.rules.keys() == INPUTS.keys() - ACKNOWLEDGEMENTS


def test_a_file_is_named_after_its_version() -> None:
    assert [f"{version.version}.yaml" for version in RULEBOOK.schemes] == list(scheme.versions())


def test_the_example_says_that_it_is_one() -> None:
    for version in RULEBOOK.schemes:
        assert version.status == "example"
        assert {rule.status for rule in version.rules.values()} == {"example"}
        assert all("worked example" in rule.basis for rule in version.rules.values())
    opening = "".join(scheme.versions()["2026-01.yaml"].splitlines()[:6])
    assert "WORKED EXAMPLE" in opening
    assert "no lead/support matrix" in opening


def test_law_is_only_what_an_article_says() -> None:
    for version in RULEBOOK.schemes:
        owed = [assignment.obligation for rule in version.rules.values() for assignment in rule.assignments]
        sources = {(obligation.basis, obligation.status) for obligation in owed}
        sources |= {(clock.basis, clock.status) for clock in version.clocks.values()}
        assert all((status == "law") == ("CSS art." in basis) for basis, status in sources), sources


def test_the_organisms_are_those_of_the_seven_articles() -> None:
    kinds = Counter(organism.kind for organism in DIRECTORY.organisms.values() if not organism.national)
    assert kinds == {"cpam": 101, "urssaf": 21, "carsat": 15, "cnav": 1, "cgss": 4, "ccss": 1}
    assert {o.id for o in DIRECTORY.organisms.values() if o.national} == {"cnam", "cnav", "acoss"}


def test_every_organism_is_served_by_one_of_the_seven_agents() -> None:
    agents = {"cpam", "urssaf", "carsat", "cgss", "cnam", "cnav", "acoss"}
    assert {organism.agent for organism in DIRECTORY.organisms.values()} == agents
    assert DIRECTORY.organisms["ccss:481"].agent == "cgss"
    assert DIRECTORY.organisms["cnav:ile-de-france"].agent == "carsat"
    assert DIRECTORY.organisms["cnav"].agent == "cnav"


def test_both_reference_files_give_an_organism_the_same_territory() -> None:
    """organisms.csv lists the départements of each; territories.csv the organisms of each."""
    by_territory: dict[str, set[str]] = {}
    for row in csv.DictReader(scheme.territories().splitlines()):
        for kind in KINDS:
            for organism in filter(None, row[kind].split(";")):
                by_territory.setdefault(organism, set()).add(row["departement"])
    local = {o.id: set(o.departements) for o in DIRECTORY.organisms.values() if not o.national}
    assert by_territory == local


def test_every_departement_is_there_and_only_three_lie_outside() -> None:
    metropolitan = {f"{number:02}" for number in range(1, 96) if number != 20} | {"2A", "2B"}
    assert set(DEPARTEMENTS) == metropolitan | {f"97{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8)}
    nobody = {
        code
        for code in DEPARTEMENTS
        if DIRECTORY.competent("health", f"{code}000"[:5], f"{code}000"[:5], {}) == "outside_scheme"
    }
    assert nobody == {"975", "976", "977"}


def test_only_alsace_moselle_and_overseas_have_holidays_of_their_own() -> None:
    own = {}
    for code in DEPARTEMENTS:
        found = DIRECTORY.competent("collection", "", f"{code}000"[:5], {})
        if not isinstance(found, str) and found.holidays is not None:
            own[code] = found.holidays
    assert own == {
        "57": "57",
        "67": "6AE",
        "68": "6AE",
        **{code: code for code in ("971", "972", "973", "974")},
        "978": "MF",
    }


def test_the_establishment_numbers_are_right() -> None:
    numbers = [row["siret"] for row in csv.DictReader(scheme.organisms().splitlines()) if row["siret"]]
    assert len(numbers) == 22
    assert all(siret.is_valid(number) for number in numbers)


def test_each_overseas_organism_keeps_its_own_time() -> None:
    zones = {o.id: o.zone.key for o in DIRECTORY.organisms.values() if o.zone.key != "Europe/Paris"}
    assert zones == {
        "cgss:971": "America/Guadeloupe",
        "cgss:972": "America/Martinique",
        "cgss:973": "America/Cayenne",
        "cgss:974": "Indian/Reunion",
    }


def test_the_clocks_of_a_case_are_there() -> None:
    clocks = RULEBOOK.version("2026-01").clocks
    assert {name: str(clock.delay) for name, clock in clocks.items()} == {
        "emergency-aid-paid": "15 days",
        "social-aid-decided": "2 months",
        "rights-mismatch-resolved": "30 working days",
        "retirement-paid": "1 month",
    }
