"""The contracts say exactly what the table of the events says: names, fields, and which may be left out."""

import pytest

from schemas.emitted import EMITTED
from schemas.events import CONTRACTS, EVENT_NAMES
from schemas.refusal import REASONS

# The table of docs/contracts.md, written out by hand; `?` marks what may be left out.
INPUT = {
    "activity.registered": "worker start legal_form? ape? siret? micro?",
    "activity.modified": "worker? changed effective",
    "activity.ceased": "worker? end",
    "territory.changed": "worker previous effective",
    "radiation.envisaged": "worker? ground notified",
    "radiation.decided": "worker? ground effective",
    "income.declared": "worker? year amount source",
    "turnover.declared": "worker? period amount",
    "contribution.called": "worker? period due base",
    "contribution.paid": "worker? period paid due base",
    "contribution.unpaid": "worker? period due missed",
    "payment-delay.granted": "worker? period until",
    "payment-delay.broken": "worker? period",
    "sick-leave.received": "worker? starts ends",
    "maternity.declared": "worker? starts ends",
    "retirement.requested": "worker? starts complete",
    "career.disputed": "worker? year claimed",
    "social-aid.requested": "worker? kind received_by amount?",
    "difficulty.detected": "worker? detected_by themes",
    "contact.received": "worker? channel subject received_by",
    "appointment.requested": "worker? place subject received_by",
    "complaint.lodged": "worker? against subject",
    "mediation.opened": "worker? against prior_approach",
}
OUTPUT = {
    "acknowledgement.registered": "organism role",
    "acknowledgement.received": "organism role",
    "acknowledgement.forwarded": "organism role? to",
    "acknowledgement.refused": "organism role reason",
    "acknowledgement.reported": "organism role code reasons?",
    "acknowledgement.settled": "organism role",
    "rights.recorded": "organism year income quarters",
    "rights.mismatch": "organism year declared recorded",
    "entitlement.updated": "organism on ratio full because",
    "radiation.answered": "organism objection by_silence",
    "social-aid.instructed": "organism",
    "social-aid.referred": "organism file",
    "social-aid.paid": "organism amount",
    "deadline.near": "organism level due",
    "deadline.missed": "organism level due",
    "escalation.raised": "to organism level",
}


def test_every_event_of_the_table_has_a_contract() -> None:
    """23 events are taken in, under their public type."""
    assert CONTRACTS.keys() == INPUT.keys()
    assert {f"fr.l233.{name}.v1": name for name in INPUT} == EVENT_NAMES
    assert EMITTED.keys() == OUTPUT.keys()


@pytest.mark.parametrize(("name", "fields"), [*INPUT.items(), *OUTPUT.items()])
def test_a_contract_has_exactly_the_fields_of_the_table(name: str, fields: str) -> None:
    """Same fields, the same ones optional."""
    model = CONTRACTS[name] if name in CONTRACTS else EMITTED[name]
    found = {key if field.is_required() else f"{key}?" for key, field in model.model_fields.items()}
    assert found == set(fields.split())


def test_the_reasons_are_the_public_ones_in_their_order() -> None:
    """One event has one reason, the first that applies: the order is public."""
    assert " ".join(REASONS) == (
        "personal_data unknown_type not_allowed contract conflicting_duplicate no_scheme_in_force no_rule "
        "unknown_worker outside_scheme ambiguous_territory unexpected"
    )
