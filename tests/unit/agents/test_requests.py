"""What reaches an organism is read back as intake wrote it, whatever a producer called the case."""

import json
from dataclasses import asdict, replace

import pytest

from agents.emission import MANDATE_HEADER
from agents.requests import read
from schemas.records import MANDATE, CorrectedEvent, Mandate
from tests.unit.agents.mandates import ASKED
from tests.unit.agents.records import Kept, registered

CASES = ("c1", 'a "quoted" case', 'a","organism":"cpam:311', "back\\slash\\", "é, 🦊", '"')


def with_mandate(text: bytes) -> Kept:
    """Return a record of an inbox with a mandate as it stands."""
    record = registered()
    return replace(record, headers=(*record.headers, (MANDATE_HEADER, text)))


@pytest.mark.parametrize("case", CASES)
def test_a_mandate_is_read_whatever_its_case_is_called(case: str) -> None:
    corrected = CorrectedEvent("e0", "urn:test:producer", "fr.l233.contribution.paid.v1")
    mandate = replace(
        ASKED, case=case, organism="cpam:131", corrects=corrected, competent={"health": "cpam:131"}
    )
    assert read(with_mandate(MANDATE.dump_json(mandate))).mandate == mandate


def test_of_two_mandates_that_differ_in_the_case_each_keeps_its_own() -> None:
    first, second = (replace(ASKED, organism="cpam:131", case=case) for case in CASES[:2])
    assert [read(with_mandate(MANDATE.dump_json(one))).case for one in (first, second)] == [*CASES[:2]]


def test_the_order_in_which_a_mandate_tells_its_fields_makes_no_difference() -> None:
    mandate: Mandate = replace(ASKED, organism="cpam:131")
    turned = dict(reversed(asdict(mandate).items()))
    assert read(with_mandate(json.dumps(turned).encode())).mandate == mandate
