"""Records and emitted events: what is written is read again, in the shape that is public."""

import json
from collections.abc import Mapping
from typing import Final

import pytest
from pydantic import ValidationError

from schemas import emitted, records
from schemas.emitted import AcknowledgementForwarded, AcknowledgementReported, EntitlementUpdated
from schemas.records import DEAD_LETTER, MANDATE, RECEIPT, SITUATION, DeadLetter, InputRef, Receipt, Situation
from schemas.refusal import Violation

MANDATE_TEXT: Final = (
    b'{"case":"c","organism":"cpam:311","role":"lead","activity":"health","acknowledge":"reported",'
    b'"by":"2026-03-16T23:59:59+01:00","basis":"CSS art. L211-1","status":"example","scheme":"2026-01",'
    b'"corrects":null,"competent":{"health":"cpam:311"}}'
)


def test_a_receipt_of_a_refusal_has_the_public_shape() -> None:
    """`errors` are objects with path and message; what could not be read is null."""
    receipt = Receipt(
        id="r",
        verdict="refused",
        event=InputRef("a1", None, None),
        reason="contract",
        errors=(Violation("/time", "expected a time"),),
        scheme=None,
        case=None,
        recipients=(),
        unresolved=(),
    )
    text = RECEIPT.dump_json(receipt)
    assert json.loads(text) == {
        "id": "r",
        "verdict": "refused",
        "event": {"id": "a1", "source": None, "subject": None},
        "reason": "contract",
        "errors": [{"path": "/time", "message": "expected a time"}],
        "scheme": None,
        "case": None,
        "recipients": [],
        "unresolved": [],
    }
    assert RECEIPT.validate_json(text) == receipt


def test_a_dead_letter_can_withhold_what_it_is_about() -> None:
    """For personal data neither key, headers nor payload are kept."""
    letter = DeadLetter("x", "personal_data", (), "l233.events", 2, 417, 1_772_440_200_000, None, (), None, 0)
    text = DEAD_LETTER.dump_json(letter)
    assert {"key": None, "headers": [], "payload": None}.items() <= json.loads(text).items()
    assert DEAD_LETTER.validate_json(text) == letter


def test_a_mandate_is_read_and_written_alike() -> None:
    assert MANDATE.dump_json(MANDATE.validate_json(MANDATE_TEXT)) == MANDATE_TEXT


def test_a_situation_without_attachments_is_read() -> None:
    text = b'{"siren":"999001001","residence":"31555","establishment":"31069"}'
    assert SITUATION.validate_json(text) == Situation("999001001", "31555", "31069", {})


@pytest.mark.parametrize("wrong", [{"role": "boss"}, {"acknowledge": "maybe"}, {"status": "law?"}])
def test_closed_sets_are_closed_in_records_too(wrong: Mapping[str, str]) -> None:
    text = json.dumps({**json.loads(MANDATE_TEXT), **wrong}).encode()
    with pytest.raises(ValidationError):
        MANDATE.validate_json(text)


def test_what_is_absent_is_not_written_as_null() -> None:
    """Our own contracts refuse null, so the agents must not write it."""
    said = AcknowledgementForwarded(organism="cpam:311", to="cpam:751")
    assert said.to_json() == b'{"organism":"cpam:311","to":"cpam:751"}'
    assert AcknowledgementForwarded.model_validate_json(said.to_json()) == said


@pytest.mark.parametrize("code", [-1, 4, True, "0"])
def test_a_report_code_is_0_to_3(code: object) -> None:
    """0 taken into account, 1 with corrections, 2 partly, 3 not."""
    text = json.dumps({"organism": "cpam:311", "role": "lead", "code": code})
    with pytest.raises(ValidationError):
        AcknowledgementReported.model_validate_json(text)


@pytest.mark.parametrize("ratio", ["1.0001", "0.75", "1", "-0.5000", 0.75, "2.0000"])
def test_a_ratio_is_a_text_with_four_decimals_up_to_one(ratio: object) -> None:
    text = {"organism": "cpam:311", "on": "2026-04-02", "full": False, "because": "contribution.unpaid"}
    EntitlementUpdated.model_validate_json(json.dumps({**text, "ratio": "1.0000"}))
    with pytest.raises(ValidationError):
        EntitlementUpdated.model_validate_json(json.dumps({**text, "ratio": ratio}))


def test_values_are_frozen() -> None:
    """What was decided or said is not changed afterwards."""
    said = emitted.AcknowledgementSettled(organism="cpam:311", role="lead")
    with pytest.raises(ValidationError):
        said.organism = "cpam:751"
    mandate: object = records.MANDATE.validate_json(MANDATE_TEXT)
    with pytest.raises(AttributeError):
        mandate.role = "informed"  # type: ignore[attr-defined]  # frozen
