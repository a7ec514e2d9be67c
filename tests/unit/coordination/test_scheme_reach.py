"""Nobody is left without a lead: every event type, in every territory, or the line at fault is told."""

import re

import pytest

import scheme
from coordination.directory import Directory, parse_directory
from coordination.scheme_file import SchemeError, read_whole_scheme
from tests.unit.coordination.examples import directory
from tests.unit.coordination.signed import TEXT


def problems(text: str, places: Directory | None = None) -> list[str]:
    """Return what a draft is told."""
    try:
        read_whole_scheme("next.yaml", text, places or directory())
    except SchemeError as error:
        return str(error).splitlines()
    return []


def test_the_shipped_version_leaves_nobody_without_a_lead() -> None:
    assert problems(TEXT) == []


def test_an_event_type_without_a_rule_has_no_lead_anywhere() -> None:
    begin = TEXT.index("  career.disputed:")
    text = TEXT[:begin] + TEXT[TEXT.index("  # ---- social action") :]
    line = text[: text.index("rules:\n")].count("\n") + 1
    assert problems(text) == [
        f"next.yaml:{line}: rules: career.disputed has no rule, so nobody leads it: add one"
    ]


def test_a_kind_of_organism_that_a_mission_forgets_leaves_its_territory_without_a_lead() -> None:
    """Without the CCSS nobody collects in Lozère: each event that the collection organism leads is told."""
    text = TEXT.replace("organisms: [urssaf, cgss, ccss]", "organisms: [urssaf, cgss]")
    found = problems(text)
    led = [
        name
        for name, rule in _rules(text)
        if "lead: collection" in rule or "contributions: collection" in rule
    ]
    assert [line.split(": ")[1] for line in found] == [f"rules > {name} > lead" for name in led]
    for line, name in zip(found, led, strict=True):
        number = int(line.split(":")[1])
        lead = text[: text.index(f"  {name}:")].count("\n") + 1
        assert text.splitlines()[number - 1].strip().startswith("lead:")
        assert number - lead <= 3
        assert "nobody leads in 48: ccss:481 is there for collection, and missions > collection" in line


def _rules(text: str) -> list[tuple[str, str]]:
    """Return the rules of a text: name and lines."""
    body = text[text.index("rules:\n") : text.index("clocks:\n")]
    found = re.split(r"^  ([a-z.-]+):\n", body, flags=re.MULTILINE)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


def test_a_territory_without_an_organism_for_a_mission_is_told() -> None:
    """Where all three are lacking, L233-1 does not reach; where one is, somebody forgot it."""
    line = "01,cpam:011,urssaf:rhone-alpes,carsat:69,,"
    assert line in scheme.territories()
    territories = scheme.territories().replace(line, "01,cpam:011,urssaf:rhone-alpes,,,")
    found = problems(TEXT, parse_directory(scheme.organisms(), territories))
    assert {line.split(": ")[1].split(" > ")[1] for line in found} == {
        "retirement.requested",
        "career.disputed",
        "contact.received",
        "appointment.requested",
    }
    assert all(
        "nobody leads in 01: territories.csv names no organism for retirement" in line for line in found
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("6 months, basis: CSS art. R611-2, ", "6 months, ", "support > basis: is missing: add it"),
        ("6 months, basis: CSS art. R611-2", '6 months, basis: " "', "support > basis: is empty: write it"),
        ("    basis: example scheme 2026-01\n", "", "deadlines > received > basis: is missing: add it"),
    ],
)  # fmt: skip
def test_a_deadline_without_basis_is_told(old: str, new: str, message: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    (problem,) = problems(text)
    assert message in problem
    assert abs(int(problem.split(":")[1]) - (TEXT[: TEXT.index(old)].count("\n") + 1)) <= 2


def test_a_version_that_would_end_before_it_begins_is_told() -> None:
    text = TEXT.replace("legal_basis:", "in_force_until: 2025-12-31T00:00:00+01:00\nlegal_basis:", 1)
    (problem,) = problems(text)
    assert "in_force_until: is not after in_force" in problem
