"""Invented workers, places and events that the tests of coordination share."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

import scheme
from coordination.directory import Directory, parse_directory
from coordination.rulebook import Rulebook, Scheme
from coordination.scheme_file import read_rulebook
from coordination.verdicts import InputRecord
from schemas.envelope import STRUCTURED, unpack_structured
from schemas.validation import Event, validate

Data = Mapping[str, object]

SUBJECT: Final = "worker:" + "0123456789abcdef" * 2
OTHER_SUBJECT: Final = "worker:" + "fedcba9876543210" * 2
SIREN: Final = "123456782"
MONDAY: Final = "2026-03-02T09:30:00+01:00"


@cache
def directory() -> Directory:
    """Return the shipped directory."""
    return parse_directory(scheme.organisms(), scheme.territories())


@cache
def rulebook() -> Rulebook:
    """Return the shipped scheme versions."""
    return read_rulebook(scheme.versions(), directory())


def shipped() -> Scheme:
    """Return the example scheme."""
    return rulebook().version("2026-01")


def place(residence: str, establishment: str | None = None, **attachments: str) -> Data:
    """Return a place as events tell it; the establishment is at the residence unless told."""
    told: Data = {"residence": residence, "establishment": establishment or residence}
    return {**told, "attachments": attachments} if attachments else told


def worker(residence: str, establishment: str | None = None, **attachments: str) -> Data:
    """Return a worker block."""
    return {"siren": SIREN, **place(residence, establishment, **attachments)}


TOULOUSE: Final = place("31555")
OWN_DATA: Final[dict[str, Data]] = {
    "activity.registered": {"start": "2026-01-05", "micro": True},
    "activity.modified": {"changed": ["address"], "effective": "2026-03-01"},
    "activity.ceased": {"end": "2026-02-28"},
    "territory.changed": {"previous": TOULOUSE, "effective": "2026-03-01"},
    "radiation.envisaged": {"ground": "no_turnover", "notified": "2026-03-01"},
    "radiation.decided": {"ground": "request", "effective": "2026-03-01"},
    "income.declared": {"year": 2025, "amount": "30000.00", "source": "tax_authority"},
    "turnover.declared": {"period": "2026-02", "amount": "2500.00"},
    "contribution.called": {"period": "2026-T1", "due": "900.00", "base": "4000.00"},
    "contribution.paid": {"period": "2026-T1", "paid": "900.00", "due": "900.00", "base": "4000.00"},
    "contribution.unpaid": {"period": "2026-T1", "due": "900.00", "missed": 1},
    "payment-delay.granted": {"period": "2026-T1", "until": "2026-09-30"},
    "payment-delay.broken": {"period": "2026-T1"},
    "sick-leave.received": {"starts": "2026-03-01", "ends": "2026-03-14"},
    "maternity.declared": {"starts": "2026-06-01", "ends": "2026-09-20"},
    "retirement.requested": {"starts": "2026-09-01", "complete": True},
    "career.disputed": {"year": 2019, "claimed": 4},
    "social-aid.requested": {"kind": "emergency", "received_by": "urssaf:bretagne"},
    "difficulty.detected": {"detected_by": "carsat:35", "themes": ["health", "housing"]},
    "contact.received": {"channel": "phone", "subject": "health", "received_by": "urssaf:bretagne"},
    "appointment.requested": {"place": "Rennes", "subject": "health", "received_by": "urssaf:bretagne"},
    "complaint.lodged": {"against": "carsat:35", "subject": "retirement"},
    "mediation.opened": {"against": "urssaf:bretagne", "prior_approach": True},
}


def structured(
    name: str, data: Data, *, id_: str = "1", subject: str = SUBJECT, time: str = MONDAY, **attributes: object
) -> bytes:
    """Return an event as a line of structured JSON."""
    event = {
        "specversion": "1.0",
        "id": id_,
        "source": "urn:example:counter",
        "type": f"fr.l233.{name}.v1",
        "subject": subject,
        "time": time,
        "data": data,
        **attributes,
    }
    return json.dumps(event).encode()


def event(name: str, data: Data | None = None, *, at: Data | None = None, time: str = MONDAY) -> Event:
    """Return a valid event of a type, with its example data unless told; `at` is its worker block."""
    own = OWN_DATA[name] if data is None else data
    found = validate(
        unpack_structured(structured(name, own if at is None else {**own, "worker": at}, time=time))
    )
    assert isinstance(found, Event), found
    return found


def record(
    line: bytes, *, key: bytes | None = None, partition: int = 0, offset: int = 0, topic: str = "l233.events"
) -> InputRecord:
    """Return a structured event as it lies on the input topic."""
    headers = (("content-type", STRUCTURED.encode()),)
    return InputRecord(topic, partition, offset, 1_772_440_200_000, key, line, headers)


CONTACT_ELSEWHERE: Final = event("contact.received", at=worker("97411"))
"""An event whose worker block says something else than what is known."""
