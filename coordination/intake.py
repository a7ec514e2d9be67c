"""Decides what becomes of one input record: routed, duplicate, refused or rekeyed; exactly one of them.

Pure: the same record with the same memory gives the same verdict, to the byte. The reasons of a refusal are
looked for in their public order; rekeying comes after personal data, so that a NIR is never copied.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from coordination import acknowledgement, corrections, follow_up, ids, refusals, remembered, situation
from coordination.acknowledgement import Acknowledgement
from coordination.allowed_sources import AllowedSources, gate
from coordination.calendar import LAST_YEAR
from coordination.directory import Directory
from coordination.explaining import explained
from coordination.instants import recorded
from coordination.partitioning import partition_of
from coordination.routing import asks_of_the_territory, decide, rule_for, taken_note_of
from coordination.rulebook import Rule, Rulebook, Scheme
from coordination.situation import History
from coordination.verdicts import Duplicate, InputRecord, Memory, Refused, Rekeyed, Routed, Verdict
from schemas.content import content_digest
from schemas.envelope import Envelope, unpack
from schemas.events import type_of
from schemas.follow_ups import ACKNOWLEDGEMENTS, FOLLOW_UPS
from schemas.personal_data import holds_nir
from schemas.records import RECEIPT, Decision, InputRef, Receipt, Situation
from schemas.refusal import Refusal
from schemas.validation import Event, validate

_OURS: Final = "urn:l233:"
_ACKNOWLEDGEMENT_TYPES: Final = frozenset(map(type_of, ACKNOWLEDGEMENTS))


class Intake:
    """The judge of input records: what is fixed while a worker runs."""

    def __init__(
        self,
        rulebook: Rulebook,
        directory: Directory,
        allowed_sources: AllowedSources,
        partitions: int | None,
    ) -> None:
        """Prepare.

        Args:
            rulebook: every scheme version.
            directory: organisms and territories.
            allowed_sources: which sources may send which types; empty: any.
            partitions: how many partitions the input topic has; None for a check of files, where records have
                no key and are never rekeyed.
        """
        self._rulebook: Final = rulebook
        self._directory: Final = directory
        self._may_send: Final[Callable[[str, str], bool]] = gate(allowed_sources)
        self._partitions: Final = partitions

    def judge(self, record: InputRecord, memory: Memory) -> Verdict:
        """Return the verdict on a record, given what is remembered of its worker."""
        envelope = record.envelope or unpack(record.value, record.headers)
        found = self._decided_envelope(envelope, record, memory)
        return _routed(found, record) if isinstance(found, _Decided) else found

    def decide(self, record: InputRecord, memory: Memory) -> Decision | Duplicate | Refused | Rekeyed:
        """Return what is decided on a record, without what follows of it: for who only compares decisions."""
        found = self._decided_envelope(unpack(record.value, record.headers), record, memory)
        return found.decision if isinstance(found, _Decided) else found

    def _decided_envelope(
        self, envelope: Envelope, record: InputRecord, memory: Memory
    ) -> "_Decided | Duplicate | Refused | Rekeyed":
        if holds_nir(envelope, record.value):
            return refusals.refused(refusals.PERSONAL_DATA, envelope, record)
        subject = envelope.subject
        if self._partitions is not None and subject is not None:
            key = subject.encode()
            partition = partition_of(key, self._partitions)
            if record.key != key or record.partition != partition:
                return Rekeyed(key, partition)
        event = self._admitted(envelope)
        if isinstance(event, Refusal):
            return refusals.refused(event, envelope, record)
        decided = self._decided(event, record, memory)
        if not isinstance(decided, Refusal):
            return decided
        looked = _Looked(memory)  # rare enough to decide again: the usual way stays as short as it is
        self._decided(event, record, looked)
        return refusals.refused(decided, envelope, record)._replace(remembered=looked.found)

    def unfit(self, envelope: Envelope, record: InputRecord) -> Refused | None:
        """Return the refusal that holds whatever is remembered and whichever scheme is in force, if any."""
        if holds_nir(envelope, record.value):
            return refusals.refused(refusals.PERSONAL_DATA, envelope, record)
        event = self._admitted(envelope)
        return refusals.refused(event, envelope, record) if isinstance(event, Refusal) else None

    def _admitted(self, envelope: Envelope) -> Event | Refusal:
        """Look at type, source and contract."""
        event = validate(envelope)
        if isinstance(event, Refusal) and event.reason == "unknown_type":
            return event
        type_, source = envelope.attributes.get("type"), envelope.attributes.get("source")
        if isinstance(type_, str) and isinstance(source, str):
            if not self._may_send(type_, source):
                return refusals.NOT_ALLOWED
            if type_ in _ACKNOWLEDGEMENT_TYPES and source.startswith(_OURS):
                return refusals.IN_OUR_NAME
        if isinstance(event, Event) and event.time.year > LAST_YEAR:
            return refusals.TOO_LATE
        return event

    def _decided(self, event: Event, record: InputRecord, memory: Memory) -> "_Decided | Duplicate | Refusal":
        """Look at duplicates, at what a follow-up is about, at scheme, worker and territory."""
        seen_key = remembered.seen_key(event.subject, event.source, event.id)
        before = memory.get(seen_key)
        if before is not None and remembered.digest_of(before) == content_digest(event):
            return _again(event, before)
        about = follow_up.about(event, memory) if event.name in FOLLOW_UPS else follow_up.NOTHING
        if isinstance(about, Refusal):
            return about
        if before is not None:
            return refusals.CONFLICTING
        scheme = self._rulebook.in_force(event.time)
        if scheme is None:
            return refusals.no_scheme(self._rulebook)
        known_key = remembered.known_key(event.subject)
        stored = memory.get(known_key)
        history = situation.UNKNOWN if stored is None else situation.decode(stored)
        found = self._by_rule(event, scheme, about, history)
        if isinstance(found, Refusal):
            return found
        decision, rule = found
        return _Decided(event, explained(decision, record), rule, about, history, seen_key, known_key)

    def _by_rule(
        self, event: Event, scheme: Scheme, about: follow_up.About, history: History
    ) -> tuple[Decision, Rule | None] | Refusal:
        """Return the decision and the rule that it is by; an acknowledgement needs none."""
        corrected = about.corrected
        worker = _situation(event, history) if corrected is None else corrected.situation
        if event.name in ACKNOWLEDGEMENTS:
            return taken_note_of(event, scheme, worker), None
        rule = rule_for(event, scheme)
        if isinstance(rule, Refusal):
            return rule
        if corrected is not None:
            rule = corrections.rule_of(rule, corrected)
        elif worker is None and (event.name not in FOLLOW_UPS or asks_of_the_territory(rule)):
            return refusals.UNKNOWN_WORKER
        ref, says = (None, None) if corrected is None else (corrected.ref, corrected.says)
        decision = decide(event, rule, scheme, self._directory, worker, corrects=ref, says=says)
        return decision if isinstance(decision, Refusal) else (decision, rule)


class _Decided(NamedTuple):
    """A decision, and what went into it."""

    event: Event
    decision: Decision
    rule: Rule | None
    about: follow_up.About
    history: History
    seen_key: bytes
    known_key: bytes


def _routed(found: _Decided, record: InputRecord) -> Routed:
    """Return what follows of a decision: what is acknowledged with it, the receipt, what is remembered."""
    event, decision, about, history = found.event, found.decision, found.about, found.history
    given: tuple[Acknowledgement, ...] = ()
    if found.rule is not None:
        given = acknowledgement.with_decision(decision, found.rule, event, recorded(record.timestamp))
    receipt = _registered(decision)
    receipt_json = RECEIPT.dump_json(receipt)
    writes = {
        found.seen_key: remembered.of_event(
            content_digest(event), receipt_json, event.name, decision.situation, record.timestamp
        ),
        **about.writes,
    }
    learned = follow_up.learned(history, event, about, remembered.origin_of(found.seen_key))
    if learned is not history:
        writes[found.known_key] = situation.encode(learned)
    if len(given) > len(decision.recipients):
        writes |= follow_up.handed_on(decision, given)
    return Routed(event, decision, receipt, receipt_json, given, writes)


class _Looked:
    """A memory that notes what is looked at and stands there."""

    def __init__(self, memory: Memory) -> None:
        self._memory: Final = memory
        self.found: Final[dict[bytes, bytes]] = {}

    def get(self, key: bytes, /) -> bytes | None:
        """Return what stands under a key, None when nothing does."""
        value = self._memory.get(key)
        if value is not None:
            self.found[key] = value
        return value


def _situation(event: Event, history: History) -> Situation | None:
    block = event.data.worker
    return history.at(event.time) if block is None else situation.situation_of(block, block.siren)


def _registered(decision: Decision) -> Receipt:
    event = decision.event
    return Receipt(
        id=ids.receipt_id(event, decision.scheme, decision.rule),
        verdict="registered",
        event=InputRef(event.id, event.source, event.subject),
        reason=None,
        errors=(),
        scheme=decision.scheme,
        case=decision.case,
        recipients=decision.recipients,
        unresolved=decision.unresolved,
    )


def _again(event: Event, before: bytes) -> Duplicate:
    receipt_json = remembered.receipt_json_of(before)
    return Duplicate(event, RECEIPT.validate_json(receipt_json), receipt_json)
