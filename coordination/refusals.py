"""Decides what is said of a refused record: the words for each reason, and the receipt for its producer."""

from typing import Final

from coordination import ids
from coordination.calendar import LAST_YEAR
from coordination.rulebook import Rulebook
from coordination.verdicts import InputRecord, Refused
from schemas.attributes import Attribute
from schemas.envelope import Envelope
from schemas.personal_data import holds_nir
from schemas.records import InputRef, Receipt
from schemas.refusal import Reason, Refusal, Violation

_LONGEST: Final = 256


def _single(reason: Reason, path: str, message: str) -> Refusal:
    return Refusal(reason, (Violation(path, message),))


PERSONAL_DATA: Final = _single(
    "personal_data",
    "/data",
    "a social security number (NIR) may not be sent: name the worker by his reference",
)
NOT_ALLOWED: Final = _single(
    "not_allowed", "/source", "this source may not send this type: its operator must add it to topics.yaml"
)
IN_OUR_NAME: Final = _single(
    "not_allowed", "/source", "sources that begin with urn:l233: are our own: acknowledge under another"
)
TOO_LATE: Final = _single(
    "contract", "/time", f"expected a year up to {LAST_YEAR}: no deadline can be counted beyond"
)
CONFLICTING: Final = _single(
    "conflicting_duplicate",
    "/id",
    "another content was sent under this id and source: give the event a new id",
)
UNKNOWN_WORKER: Final = _single(
    "unknown_worker",
    "/data/worker",
    "nothing is known of this worker: give the worker block, or send activity.registered first",
)


def no_scheme(rulebook: Rulebook) -> Refusal:
    """Return the refusal of an event that happened before any scheme was in force."""
    first = next(iter(rulebook.schemes), None)
    since = "" if first is None else f": the first, {first.version}, is since {first.in_force.isoformat()}"
    return _single("no_scheme_in_force", "/time", f"no scheme was in force at this time{since}")


def refused(refusal: Refusal, envelope: Envelope, record: InputRecord) -> Refused:
    """Return the verdict on a record that can't go on, with the receipt that tells its producer."""
    receipt = Receipt(
        id=ids.refusal_id(record.topic, record.partition, record.offset, "receipt"),
        verdict="refused",
        event=_reference(envelope) if refusal.reason != "personal_data" else _searched_reference(envelope),
        reason=refusal.reason,
        errors=refusal.errors,
        scheme=None,
        case=None,
        recipients=(),
        unresolved=(),
    )
    return Refused(refusal, receipt, envelope.subject)


def _reference(envelope: Envelope) -> InputRef:
    attributes = envelope.attributes
    return InputRef(_readable(attributes.get("id")), _readable(attributes.get("source")), envelope.subject)


def _searched_reference(envelope: Envelope) -> InputRef:
    """Where data held a NIR, the id and source may be made of it too: then they are not repeated."""
    found = _reference(envelope)
    return InputRef(_without_nir(found.id), _without_nir(found.source), found.subject)


def _readable(attribute: Attribute | None) -> str | None:
    """Return an attribute that can be told back: text of a sane length that UTF-8 can write."""
    if not isinstance(attribute, str) or not 0 < len(attribute) <= _LONGEST:
        return None
    try:
        attribute.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can say and UTF-8 can't
        return None
    return attribute


def _without_nir(text: str | None) -> str | None:
    if text is None or holds_nir(Envelope({}, None, ()), text.encode()):
        return None
    return text
