"""A version goes from draft to its end by signatures and dates; what stops it is told with its line."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.lifecycle import HEADS, MINISTERS, State, missing, stage, state
from coordination.rulebook import Rulebook, Scheme
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Files, Signed, admit, faults, read_signed, require_in_force_to_be
from schemas.scheme import SchemeVersion, Signature
from tests.unit.coordination.examples import directory, shipped
from tests.unit.coordination.signed import (
    TEXT,
    TRUSTED,
    all_signatures,
    key,
    record,
    signature,
    signed,
    version,
)

NEXT = version()
PUBLISHED = datetime.fromisoformat("2026-06-01T09:00:00+02:00")
STRANGER = Ed25519PrivateKey.from_private_bytes(b"a key that nobody has ever seen ")


def problems(version: Signed, *others: Scheme, published: datetime = PUBLISHED) -> list[str]:
    """Return what speaks against putting a version in force, line by line; none when nothing does."""
    try:
        require_in_force_to_be(version, published, others, TRUSTED)
    except SchemeError as error:
        return str(error).splitlines()
    return []


def line_in(text: str, what: str) -> int:
    """Return the number of the first line that holds something."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


# -- how far it is ------------------------------------------------------------------------------------


def test_signatures_take_a_version_from_draft_to_approved() -> None:
    """Jointly means the three; the ministers are two. Source: CSS art. L233-1 (L)."""
    given: list[Signature] = []
    stages = []
    for authority in (*HEADS, *MINISTERS):
        given.append(signature(NEXT, authority))
        stages.append(stage(given))
    assert stages == ["draft", "draft", "established", "established", "approved"]
    assert missing("establishes", given[:1]) == ("cnav", "acoss")
    assert stage(all_signatures(NEXT)[2:]) == "draft", "approvals alone establish nothing"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-30T23:59:59+02:00", "approved"),
        ("2026-07-01T00:00:00+02:00", "in force"),
        ("2026-12-31T23:59:59+01:00", "in force"),
        ("2027-01-01T00:00:00+01:00", "superseded"),
    ],
)
def test_an_approved_version_is_in_force_from_its_date_until_the_next(now: str, expected: State) -> None:
    this, after = signed(NEXT).scheme, signed(version("2027-01", "2027-01-01T00:00:00+01:00")).scheme
    assert state(this, "approved", [shipped(), this, after], datetime.fromisoformat(now)) == expected


def test_what_is_not_approved_is_never_in_force() -> None:
    assert state(shipped(), "established", [shipped()], PUBLISHED) == "established"


def test_a_version_with_an_end_is_not_in_force_after_it() -> None:
    bounded = signed(version(until="2026-12-31T00:00:00+01:00")).scheme
    end = datetime.fromisoformat("2026-12-31T00:00:00+01:00")
    book = Rulebook([shipped(), bounded])
    assert book.in_force(end - timedelta(seconds=1)) is bounded
    assert book.in_force(end) is None
    assert state(bounded, "approved", [bounded], end) == "superseded"


# -- signatures -----------------------------------------------------------------------------------------


def test_a_version_that_all_have_signed_goes_through() -> None:
    assert problems(signed(NEXT), shipped()) == []


@pytest.mark.parametrize("absent", [*HEADS, *MINISTERS])
def test_a_missing_signature_is_told_where_the_authority_is_named(absent: str) -> None:
    given = [one for one in all_signatures(NEXT) if one.authority != absent]
    named = {
        "minister-social-security": "- Minister for social security",
        "minister-budget": "- Minister for the budget",
    }.get(absent, f"organism: {absent},")
    (problem,) = problems(signed(NEXT, given), shipped())
    assert problem.startswith(f"next.yaml:{line_in(NEXT, named)}: ")
    assert f"{absent} has not" in problem


def replaced(index: int, **changes: str) -> list[Signature]:
    """Return the five signatures with one altered."""
    given = list(all_signatures(NEXT))
    given[index] = replace(given[index], **changes)
    return given


def instead_of_cnam(signer: Ed25519PrivateKey, others: int) -> list[Signature]:
    """Return signatures of which CNAM's was made with this key, and the others from a place on."""
    return [signature(NEXT, "cnam", signer), *all_signatures(NEXT)[others:]]


@pytest.mark.parametrize(
    ("signatures", "index", "field", "message"),
    [
        (replaced(1, at="2026-05-04T10:00:01+02:00"), 1, "signature", "cnav has not signed this"),
        (replaced(4, signature="0" * 128), 4, "signature", "minister-budget has not signed this"),
        (replaced(1, signature=signature(TEXT, "cnav").signature), 1, "signature", "has not signed this"),
        (replaced(0, act="approves"), 0, "authority", "cnam is not among who approves a scheme"),
        (replaced(3, act="establishes"), 3, "authority", "is not among who establishes a scheme"),
        (replaced(0, act="likes"), 0, "act", "must be establishes or approves"),
        (replaced(2, authority="cpam:311"), 2, "authority", "cpam:311 is not among who establishes"),
        (instead_of_cnam(key("cnav"), 2), 0, "key", "this is the key of cnav, not of cnam"),
        (instead_of_cnam(STRANGER, 1), 0, "key", "this key of cnam is not trusted"),
        ([*all_signatures(NEXT), signature(NEXT, "cnav")], 5, "authority", "cnav stands here twice"),
    ],
)  # fmt: skip
def test_a_signature_that_does_not_count_is_told_with_its_line(
    signatures: list[Signature], index: int, field: str, message: str
) -> None:
    given = signed(NEXT, signatures)
    (problem,) = problems(given, shipped())
    line = 3 + 1 + 7 * index + 1 + ["act", "authority", "at", "key", "signature"].index(field) + 1
    assert problem.startswith(f"next.signatures.json:{line}: signatures > {index} > {field}: ")
    assert message in problem
    text = (given.files.signatures or "").splitlines()
    assert f'"{field}"' in text[line - 1]


def test_one_key_can_not_sign_for_two() -> None:
    """Not even where keys are not known: one person would be two authorities."""
    given = [signature(NEXT, "cnam", STRANGER), signature(NEXT, "cnav", STRANGER)]
    found = faults(signed(NEXT, given), {})
    assert [fault.reason for fault in found] == ["untrusted_key", "wrong_signer"]
    assert "this key signs as cnam above" in found[1].message


def test_signatures_under_another_text_are_told() -> None:
    beside = signed(NEXT).files.signatures
    for text, problem in (
        (NEXT + "# one more word\n", "next.signatures.json:3: sha256: signs another text than next.yaml"),
        (TEXT, "next.signatures.json:2: scheme: signs version 2026-07, and next.yaml is 2026-01"),
    ):
        with pytest.raises(SchemeError, match=problem):
            read_signed(Files("next.yaml", text, "next.signatures.json", beside), directory())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "next.signatures.json:1: the file is empty"),
        ("{", "next.signatures.json:2: this is no YAML"),
        ("[]", "next.signatures.json:1: the file: "),
        ('{"scheme": "",\n"sha256": "", "signatures": [{}]}', "next.signatures.json:2: signatures > 0 > act"),
        ('{"scheme": "2026-07", "signatures": []}', "next.signatures.json:1: sha256: is missing"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_signatures_is_told(text: str, problem: str) -> None:
    with pytest.raises(SchemeError) as caught:
        read_signed(Files("next.yaml", NEXT, "next.signatures.json", text), directory())
    assert str(caught.value).startswith(problem)


# -- one after the other --------------------------------------------------------------------------------

FEBRUARY = "2027-02-01T00:00:00+01:00"
MARCH = "2027-03-01T00:00:00+01:00"
APRIL = "2027-04-01T00:00:00+02:00"
HOLE = f"nothing is in force from {FEBRUARY} (end of 2026-07) to {MARCH} (2027-03): close it"


@pytest.mark.parametrize(
    ("text", "others", "where", "message"),
    [
        (version("2026-08"), [NEXT], "in_force: ", "version 2026-07 comes into force at this very time"),
        (version("2026-07", MARCH), [NEXT], "scheme: ", "version 2026-07 is there already"),
        (version("2027-03", MARCH), [version(until=APRIL)], "in_force: ", "they overlap"),
        (version("2027-03", MARCH), [version(until=FEBRUARY)], "in_force: ", HOLE),
        (version(until=MARCH), [version("2027-04", APRIL)], "in_force_until: ", "nothing is in force from"),
        (version(until=MARCH), [version("2027-02", FEBRUARY)], "in_force_until: ", "they overlap"),
    ],
)  # fmt: skip
def test_an_overlap_or_a_hole_is_told_with_its_line(
    text: str, others: list[str], where: str, message: str
) -> None:
    (problem,) = problems(signed(text), shipped(), *(signed(other).scheme for other in others))
    assert problem.startswith(f"next.yaml:{line_in(text, where)}: {where[:-2]}: ")
    assert message in problem


def test_versions_that_meet_neither_overlap_nor_leave_a_hole() -> None:
    assert problems(signed(version("2027-03", MARCH)), shipped(), signed(version(until=MARCH)).scheme) == []


@pytest.mark.parametrize(("hours", "late"), [(24, False), (23.9997, True), (-1, True), (24 * 400, False)])
def test_a_version_is_published_24_hours_before_it_is_in_force(hours: float, late: bool) -> None:
    """Workers everywhere must have it by then. Our own rule (X)."""
    published = signed(NEXT).scheme.in_force - timedelta(hours=hours)
    found = problems(signed(NEXT), shipped(), published=published)
    assert [line.split(": ")[0] for line in found] == [f"next.yaml:{line_in(NEXT, 'in_force: ')}"] * late
    assert all("less than 24 hours before" in line for line in found)


def test_the_very_first_version_may_be_published_late() -> None:
    """There is none before it that anybody could have relied on."""
    assert problems(signed(NEXT), published=signed(NEXT).scheme.in_force + timedelta(days=9)) == []


# -- as published ---------------------------------------------------------------------------------------


def test_a_published_record_is_admitted_as_its_files_would_be() -> None:
    admitted = admit(record(NEXT), [shipped()], directory(), TRUSTED)
    assert admitted.scheme.version == "2026-07"
    assert admitted.scheme.hash == record(NEXT).sha256
    assert admitted.stage == "approved"


@pytest.mark.parametrize(
    ("altered", "problem"),
    [
        (replace(record(NEXT), text=NEXT + "#"), "sha256: signs another text"),
        (replace(record(NEXT), sha256="0" * 64), "sha256: signs another text"),
        (replace(record(NEXT), scheme="2026-08"), "scheme: signs version 2026-08"),
        (replace(record(NEXT), in_force="2026-06-01T00:00:00+02:00"), "in_force: says '2026-06-01"),
        (replace(record(NEXT), signatures=()), "cnam has not signed it"),
        (replace(record(NEXT), published="2026-06-30T09:00:00+02:00"), "less than 24 hours"),
        (replace(record(NEXT), published="2026-06-01T09:00:00"), "is no time with an offset"),
        (replace(record(NEXT), published="soon"), "is no time with an offset"),
        (record(version("2026-08", "2026-01-01T00:00:00+01:00")), "at this very time"),
    ],
)
def test_a_record_that_was_altered_is_never_put_in_force(altered: SchemeVersion, problem: str) -> None:
    with pytest.raises(SchemeError, match=problem):
        admit(altered, [shipped()], directory(), TRUSTED)


@given(st.integers(0, len(NEXT.encode()) - 1), st.integers(1, 255))
@settings(max_examples=30)
def test_a_record_of_which_any_byte_was_altered_is_never_put_in_force(at: int, flip: int) -> None:
    raw = bytearray(NEXT.encode())
    raw[at] ^= flip
    text = raw.decode("utf-8", "replace")
    with pytest.raises(SchemeError):
        admit(replace(record(NEXT), text=text), [shipped()], directory(), TRUSTED)
