"""The directory refuses reference files that contradict themselves, with line and way out."""

import pytest

import scheme
from coordination.directory import DirectoryError, departement_of, parse_directory

ORGANISMS = """\
id,kind,article,name,departements,siret,agent,timezone
cpam:011,CPAM,L211-1,CPAM de l'Ain,01,,cpam,Europe/Paris
urssaf:corse,URSSAF,L213-1,URSSAF Corse,01;2A,,urssaf,Europe/Paris
"""
TERRITORIES = """\
departement,health,collection,retirement,holidays,note
01,cpam:011,urssaf:corse,,,
"""


@pytest.mark.parametrize(
    ("commune", "departement"),
    [("01004", "01"), ("2A004", "2A"), ("2B033", "2B"), ("97105", "971"), ("97801", "978"), ("98735", "987")],
)
def test_a_commune_code_begins_with_its_departement(commune: str, departement: str) -> None:
    assert departement_of(commune) == departement


def test_small_reference_files_are_enough() -> None:
    found = parse_directory(ORGANISMS, TERRITORIES)
    competent = found.competent("health", "01004", "01004", {})
    assert not isinstance(competent, str)
    assert competent.organism == found.organisms["cpam:011"]
    assert found.competent("retirement", "01004", "01004", {}) == "outside_scheme"
    assert found.competent("health", "69123", "01004", {}) == "outside_scheme"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("organisms", "id,kind", "id,sort", r"organisms.csv:1: no column kind"),
        ("organisms", "urssaf:corse", "cpam:011", r"organisms.csv:3: cpam:011 stands twice"),
        ("organisms", "cpam,Europe/Paris", ",Europe/Paris", r"organisms.csv:2: agent is empty"),
        ("organisms", "Europe/Paris", "Europe/Parys", r"organisms.csv:2: 'Europe/Parys' is no time zone"),
        ("organisms", "Europe/Paris", "../etc", r"organisms.csv:2: '../etc' is no time zone"),
        ("organisms", "CPAM de l'Ain", "CPAM, Ain", r"organisms.csv:2: more fields than columns"),
        ("territories", "cpam:011", "cpam:012", r"territories.csv:2: cpam:012 is not in organisms.csv"),
        ("territories", "\n01", "\n02", r"territories.csv:2: organisms.csv doesn't give 02 to cpam:011"),
        ("territories", ",,,", ",,Alsace,", r"territories.csv:2: 'Alsace' is no subdivision"),
        ("territories", "departement,", "code,", r"territories.csv:1: no column departement"),
    ],
)
def test_a_contradiction_is_told_with_its_line(file: str, old: str, new: str, message: str) -> None:
    organisms = ORGANISMS.replace(old, new) if file == "organisms" else ORGANISMS
    territories = TERRITORIES.replace(old, new) if file == "territories" else TERRITORIES
    with pytest.raises(DirectoryError, match=message):
        parse_directory(organisms, territories)


def test_a_departement_twice_is_told() -> None:
    with pytest.raises(DirectoryError, match="01 stands twice"):
        parse_directory(ORGANISMS, TERRITORIES + TERRITORIES.splitlines()[1] + "\n")


def test_files_that_came_through_windows_read_the_same() -> None:
    organisms, territories = scheme.organisms(), scheme.territories()
    windows = parse_directory(organisms.replace("\n", "\r\n"), territories.replace("\n", "\r\n"))
    shipped = parse_directory(organisms, territories)
    assert windows.organisms == shipped.organisms
    for commune in ("31555", "59350", "97611"):
        here, there = (each.competent("health", commune, commune, {}) for each in (windows, shipped))
        assert str(here) == str(there)
