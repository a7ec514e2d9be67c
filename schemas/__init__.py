"""What is said: event contracts, records and the rules that bind producers."""

from schemas.content import content_digest
from schemas.envelope import Envelope, Headers, pack_binary, pack_structured, unpack, unpack_structured
from schemas.events import CONTRACTS, EventData, Worker, type_of
from schemas.follow_ups import FOLLOW_UPS
from schemas.inputs import EVENT_NAMES, INPUTS
from schemas.personal_data import holds_nir
from schemas.refusal import REASONS, Reason, Refusal, Violation
from schemas.validation import Event, validate

__all__ = [
    "CONTRACTS",
    "EVENT_NAMES",
    "FOLLOW_UPS",
    "INPUTS",
    "REASONS",
    "Envelope",
    "Event",
    "EventData",
    "Headers",
    "Reason",
    "Refusal",
    "Violation",
    "Worker",
    "content_digest",
    "holds_nir",
    "pack_binary",
    "pack_structured",
    "type_of",
    "unpack",
    "unpack_structured",
    "validate",
]
