"""A scheme reads as it was written, and every mistake in it is told with its line and a way out."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheme
from coordination.rulebook import Rulebook, RulebookError, Scheme
from coordination.scheme_file import SchemeError, read_scheme
from tests.unit.coordination.examples import directory

TEXT = scheme.versions()["2026-01.yaml"]


def read(text: str) -> Scheme:
    return read_scheme("next.yaml", text, directory())


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("support: acoss", "support: acos", "support", "acos is not in organisms.csv: correct the id"),
        ("support: acoss", "support: A coss", "support", "'A coss' names no organism: write health"),
        ("support: acoss", "support: {who: acoss}", "support", "a choice reads: by: FIELD"),
        ("lead: organism in received_by", "lead: organism in received", "lead", "has no field received"),
        ("lead: organism in received_by", "lead: acoss", "lead", "a national head never leads"),
        ("lead: organism in received_by", "lead: national heads of received_by", "lead", "never leads"),
        ("lead: organism in received_by", "lead: health of previous", "lead", "tells no previous situation"),
        ("lead: organism in received_by", "lead: [health, collection]", "lead", "or a choice by a field"),
        ("    lead: organism in received_by\n", "", "lead", "is missing: add it"),
        ("addressed_to: received_by", "addressed_to: receiver", "addressed_to", "has no field receiver"),
        ("by: subject", "by: topic", "lead", "has no field topic"),
        ("contributions: collection", "money: collection", "lead", "subject never is money"),
        ("      otherwise: organism in received_by\n", "", "lead", "says nothing for subject other"),
        ("  social-aid.requested:\n", "  social-aid.asked:\n", "social-aid.asked", "is no event type"),
        ("activity: social-action", "activity: social", "activity", "social is not among activities"),
        ("within: 6 months", "within: half a year", "within", "'half a year' is no delay: write for example"),
        ("support: { within: 6", "informed: { within: 6", "informed", "nobody has the role informed"),
        ("basis: CSS art. R612-9, status: law", "status: law", "basis", "is missing: add it"),
        ("R612-9, status: law", "R612-9, status: sure", "status", "'law', 'convention' or 'example'"),
        ("lead: reported\n", "lead: seen\n", "lead", "'received' or 'reported'"),
        ("title:", "titel:", "titel", "is not known here: correct the name or remove it"),
        ("in_force: 2026-01-01T00:00:00+01:00", "in_force: 2026-01-01T00:00:00", "in_force", "timezone"),
        ("scheme: 2026-01", "scheme: last one", "scheme", "should match pattern"),
        ("organism: acoss, sig", "organism: cpam:311, sig", "established_by", "must be cnam, cnav and acoss"),
        ("  - Minister for the budget\n", "", "approved_by", "must be two ministers"),
        ("lead: organism in received_by", "lead: lead of corrected", "lead", "corrects none"),
        ("support: support of corrected", "support: lead of corrected", "support", "write support of"),
        ("support: support of corrected", "support: chief of corrected", "support", "names no organism"),
        ("activity: social-action", "activity: corrected", "activity", "is for case.updated"),
        ("acknowledge: { lead: received }", "acknowledge: { support: received }", "support", "nobody"),
        ("  case.clarified:\n", "  acknowledgement.settled:\n", "acknowledgement.settled", "asks nobody"),
        ("  urssaf: [acoss]\n", "", "national_heads", "urssaf is missing: name its heads"),
        ("  urssaf: [acoss]\n", "  urssaf: [cpam:311]\n", "urssaf", "cpam:311 is no national head"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_a_way_out(old: str, new: str, where: str, message: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(SchemeError) as caught:
        read(text)
    told = [line for line in str(caught.value).splitlines() if message in line]
    assert told, str(caught.value)
    file, number, _ = told[0].split(":", 2)
    assert file == "next.yaml"
    changed = next(
        at for at, (a, b) in enumerate(zip(TEXT.splitlines(), text.splitlines(), strict=False), 1) if a != b
    )
    assert told[0].split(": ")[1].split(" > ")[-1] == where
    assert abs(int(number) - changed) <= 9, told[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "next.yaml:1: the file is empty"),
        ("- a\n- b\n", "next.yaml:1: the file: "),
        ("a: [\n", "next.yaml:2: this is no YAML"),
        ("a: 1\na: 2\n", "next.yaml:2: a stands twice: remove one of them"),
        ("a: &x [1]\nb: *x\n", r"next.yaml:1: anchors \(&\) and aliases \(\*\) are not used here"),
        ("? [a]\n: b\n", "next.yaml:1: a key is text"),
        ("a: \x00\n", "next.yaml:1: this is no YAML"),
        ("[" * 200_000, "next.yaml:1: nested more than 20 levels deep"),
        ("a: [1\n", "next.yaml:2: this is no YAML"),
        ("--- 1\n--- 2\n", "next.yaml:2: this is no YAML"),
    ],
)
def test_what_is_no_scheme_at_all_is_told(text: str, message: str) -> None:
    with pytest.raises(SchemeError, match=message):
        read(text)


@given(
    st.text(max_size=40)
    | st.builds(lambda at, more: TEXT[:at] + more, st.integers(0, len(TEXT)), st.text(max_size=5))
)
def test_any_text_is_a_scheme_or_a_told_mistake(text: str) -> None:
    with suppress(SchemeError):  # anything else that is raised fails
        assert read(text).version


def test_every_mistake_is_told_at_once() -> None:
    text = TEXT.replace("support: acoss", "support: acos").replace("by: subject", "by: topic")
    with pytest.raises(SchemeError) as caught:
        read(text)
    assert len(str(caught.value).splitlines()) == 3


def test_the_hash_is_that_of_the_text_whatever_its_line_ends() -> None:
    assert read(TEXT).hash == read(TEXT.replace("\n", "\r\n")).hash
    assert read(TEXT).hash != read(TEXT + "# a comment\n").hash


def test_each_version_is_in_force_until_the_next() -> None:
    first = read(TEXT)
    second = read(
        TEXT.replace("scheme: 2026-01", "scheme: 2026-07").replace(
            "in_force: 2026-01-01T00:00:00+01:00", "in_force: 2026-07-01T00:00:00+02:00"
        )
    )
    rules = Rulebook([second, first])

    def at(time: str) -> str | None:
        found = rules.in_force(datetime.fromisoformat(time))
        return None if found is None else found.version

    assert at("2025-12-31T23:59:59+01:00") is None
    assert at("2026-01-01T00:00:00+01:00") == "2026-01"
    assert at("2026-06-30T21:59:59Z") == "2026-01"
    assert at("2026-06-30T22:00:00Z") == "2026-07"
    with pytest.raises(RulebookError, match="same name"):
        Rulebook([first, first])
    same_day = read(TEXT.replace("scheme: 2026-01", "scheme: 2026-02"))
    with pytest.raises(RulebookError, match="same time"):
        Rulebook([first, same_day])
