"""The contracts say exactly what the table of the events says: names, fields, and which may be left out."""

import pytest

from schemas.emitted import EMITTED
from schemas.events import CONTRACTS
from schemas.follow_ups import FOLLOW_UPS
from schemas.inputs import EVENT_NAMES, INPUTS
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
# What is said later of such an event, in docs/contracts.md too.
LATER = {
    "social-aid.decided": "worker? organism granted amount?",
    "radiation.answered": "worker? organism objection by_silence",
    "acknowledgement.reported": "worker? organism role? code reasons?",
    "acknowledgement.settled": "worker? organism role?",
    "acknowledgement.refused": "worker? organism role? reason",
    "case.updated": "worker? event source data",
    "case.annulled": "worker? event source reason",
    "case.clarified": "worker? organism to text",
    "case.forwarded": "worker? organism to",
}
OUTPUT = {
    "acknowledgement.registered": "organism role",
    "acknowledgement.received": "organism role",
    "acknowledgement.forwarded": "organism role? to",
    "acknowledgement.refused": LATER["acknowledgement.refused"],
    "acknowledgement.reported": LATER["acknowledgement.reported"],
    "acknowledgement.settled": LATER["acknowledgement.settled"],
    "rights.recorded": "organism year income quarters",
    "rights.mismatch": "organism year declared recorded",
    "entitlement.updated": "organism on ratio full because",
    "radiation.answered": LATER["radiation.answered"],
    "social-aid.instructed": "organism",
    "social-aid.referred": "organism file",
    "social-aid.paid": "organism amount",
    "deadline.near": "organism level due",
    "deadline.missed": "organism level due",
    "escalation.raised": "to organism level",
    "quality.measured": "organism indicator activity? period lane numerator denominator spread?",
}


def test_every_event_of_the_table_has_a_contract() -> None:
    """23 events and nine follow-ups are taken in, under their public type."""
    assert CONTRACTS.keys() == INPUT.keys()
    assert FOLLOW_UPS.keys() == LATER.keys()
    assert {f"fr.l233.{name}.v1": name for name in (*INPUT, *LATER)} == EVENT_NAMES
    assert EMITTED.keys() == OUTPUT.keys()


@pytest.mark.parametrize(("name", "fields"), [*INPUT.items(), *LATER.items(), *OUTPUT.items()])
def test_a_contract_has_exactly_the_fields_of_the_table(name: str, fields: str) -> None:
    """Same fields, the same ones optional."""
    model = INPUTS[name] if name in INPUTS else EMITTED[name]
    found = {key if field.is_required() else f"{key}?" for key, field in model.model_fields.items()}
    assert found == set(fields.split())


def test_the_reasons_are_the_public_ones_in_their_order() -> None:
    """One event has one reason, the first that applies: the order is public."""
    assert " ".join(REASONS) == (
        "personal_data unknown_type not_allowed contract conflicting_duplicate no_scheme_in_force no_rule "
        "unknown_worker outside_scheme ambiguous_territory unexpected"
    )
