"""Decides how a decision explains itself: which input it is on, and a hash by which any change of it shows.

The hash is the SHA-256 of the decision's canonical JSON (RFC 8785) without the hash itself. It is on the path
of every event, so its shape is written here by hand; a test holds it to a library.
"""

from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring as _text  # JSON's own minimal escapes, which are RFC 8785's too

from coordination.verdicts import InputRecord
from schemas.records import (
    CorrectedEvent,
    Decision,
    EventRef,
    InputPlace,
    Recipient,
    Situation,
    StartedClock,
    Unresolved,
)


def explained(decision: Decision, record: InputRecord) -> Decision:
    """Return a decision with the place of the input that it is on, and its hash."""
    place = InputPlace(record.topic, record.partition, record.offset)
    return Decision(  # in the order of its fields: `replace` looks each of them up
        decision.id,
        decision.event,
        decision.case,
        decision.scheme,
        decision.scheme_hash,
        decision.rule,
        decision.basis,
        decision.activity,
        decision.situation,
        decision.situation_from,
        decision.recipients,
        decision.unresolved,
        decision.clocks,
        decision.corrects,
        decision.rule_path,
        place,
        sha256(_canonical(decision, place)).hexdigest(),
    )


def hash_of(decision: Decision) -> str:
    """Return the hash that a decision has to have: 64 hexadecimal digits."""
    return sha256(canonical(decision)).hexdigest()


def canonical(decision: Decision) -> bytes:
    """Return a decision without its hash as RFC 8785 writes it: names in order, nothing between them."""
    return _canonical(decision, decision.input)


def _canonical(decision: Decision, place: InputPlace | None) -> bytes:
    return (
        f'{{"activity":{_or_null(decision.activity)},"basis":{_text(decision.basis)},'
        f'"case":{_text(decision.case)},"clocks":[{",".join(map(_clock, decision.clocks))}],'
        f'"corrects":{_corrected(decision.corrects)},"event":{_event(decision.event)},'
        f'"id":{_text(decision.id)},"input":{_place(place)},'
        f'"recipients":[{_recipients(decision.recipients)}],'
        f'"rule":{_text(decision.rule)},"rule_path":{_or_null(decision.rule_path)},'
        f'"scheme":{_text(decision.scheme)},"scheme_hash":{_text(decision.scheme_hash)},'
        f'"situation":{_situation(decision.situation)},"situation_from":{_text(decision.situation_from)},'
        f'"unresolved":[{",".join(map(_unresolved, decision.unresolved))}]}}'
    ).encode()


def _or_null(text: str | None) -> str:
    return "null" if text is None else _text(text)


def _event(event: EventRef) -> str:
    return (
        f'{{"id":{_text(event.id)},"source":{_text(event.source)},"subject":{_text(event.subject)},'
        f'"time":{_text(event.time)},"type":{_text(event.type)}}}'
    )


def _place(place: InputPlace | None) -> str:
    if place is None:
        return "null"
    return f'{{"offset":{place.offset},"partition":{place.partition},"topic":{_text(place.topic)}}}'


@lru_cache(maxsize=16_384)
def _recipients(recipients: tuple[Recipient, ...]) -> str:
    """Return the members of a list; the same organisms are asked the same of many events."""
    return ",".join(map(_recipient, recipients))


def _recipient(to: Recipient) -> str:
    return (
        f'{{"acknowledge":{_text(to.acknowledge)},"activity":{_text(to.activity)},"basis":{_text(to.basis)},'
        f'"by":{_text(to.by)},"organism":{_text(to.organism)},"role":{_text(to.role)},'
        f'"status":{_text(to.status)}}}'
    )


def _situation(known: Situation | None) -> str:
    if known is None:
        return "null"
    attachments = ",".join(
        f"{_text(kind)}:{_text(organism)}" for kind, organism in sorted(known.attachments.items())
    )
    return (
        f'{{"attachments":{{{attachments}}},"establishment":{_text(known.establishment)},'
        f'"residence":{_text(known.residence)},"siren":{_text(known.siren)}}}'
    )


def _unresolved(gap: Unresolved) -> str:
    return f'{{"kind":{_text(gap.kind)},"reason":{_text(gap.reason)},"role":{_text(gap.role)}}}'


def _clock(clock: StartedClock) -> str:
    return (
        f'{{"basis":{_text(clock.basis)},"due":{_text(clock.due)},"level":{_text(clock.level)},'
        f'"name":{_text(clock.name)},"organism":{_text(clock.organism)},"status":{_text(clock.status)},'
        f'"until":{_text(clock.until)}}}'
    )


def _corrected(event: CorrectedEvent | None) -> str:
    if event is None:
        return "null"
    return f'{{"id":{_text(event.id)},"source":{_text(event.source)},"type":{_text(event.type)}}}'
