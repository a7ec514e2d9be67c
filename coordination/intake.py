"""Decides what becomes of one input record: routed, duplicate, refused or rekeyed; exactly one of them.

Pure: the same record with the same memory gives the same verdict, to the byte. The reasons of a refusal are
looked for in their public order; rekeying comes after personal data, so that a NIR is never copied.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from coordination import acknowledgement, ids, refusals, situation
from coordination.allowed_sources import AllowedSources, gate
from coordination.calendar import LAST_YEAR
from coordination.directory import Directory
from coordination.partitioning import partition_of
from coordination.routing import route, rule_for
from coordination.rulebook import Rulebook
from coordination.situation import History
from coordination.verdicts import Duplicate, InputRecord, Memory, Rekeyed, Routed, Verdict
from schemas.content import DIGEST_BYTES, content_digest
from schemas.envelope import Envelope, unpack
from schemas.personal_data import holds_nir
from schemas.records import RECEIPT, Decision, InputRef, Receipt, Situation
from schemas.refusal import Refusal
from schemas.validation import Event, validate

_SEEN: Final = b"seen\0"
_KNOWN: Final = b"known\0"
_LAST_INSTANT: Final = 253_402_300_799_999  # the end of the year 9999, in milliseconds


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
        return self.judge_envelope(unpack(record.value, record.headers), record, memory)

    def judge_envelope(self, envelope: Envelope, record: InputRecord, memory: Memory) -> Verdict:
        """Return the verdict on a record that is already unpacked."""
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
        return refusals.refused(decided, envelope, record) if isinstance(decided, Refusal) else decided

    def _admitted(self, envelope: Envelope) -> Event | Refusal:
        """Look at type, source and contract."""
        event = validate(envelope)
        if isinstance(event, Refusal) and event.reason == "unknown_type":
            return event
        type_, source = envelope.attributes.get("type"), envelope.attributes.get("source")
        if isinstance(type_, str) and isinstance(source, str) and not self._may_send(type_, source):
            return refusals.NOT_ALLOWED
        if isinstance(event, Event) and event.time.year > LAST_YEAR:
            return refusals.TOO_LATE
        return event

    def _decided(self, event: Event, record: InputRecord, memory: Memory) -> Routed | Duplicate | Refusal:
        """Look at duplicates, scheme, worker and territory."""
        seen_key = seen(event)
        remembered = memory.get(seen_key)
        digest = content_digest(event)
        if remembered is not None:
            return _again(event, digest, remembered)
        scheme = self._rulebook.in_force(event.time)
        if scheme is None:
            return refusals.no_scheme(self._rulebook)
        rule = rule_for(event, scheme)
        if isinstance(rule, Refusal):
            return rule
        known_key = known(event.subject)
        stored = memory.get(known_key)
        history = situation.UNKNOWN if stored is None else situation.decode(stored)
        worker = _situation(event, history)
        if worker is None:
            return refusals.UNKNOWN_WORKER
        decision = route(event, scheme, self._directory, worker)
        if isinstance(decision, Refusal):
            return decision
        receipt = _registered(decision)
        receipt_json = RECEIPT.dump_json(receipt)
        writes = {seen_key: digest + receipt_json}
        learned = history.after(event.data)
        if learned is not history:
            writes[known_key] = situation.encode(learned)
        at = instant(record.timestamp)
        given = acknowledgement.with_decision(decision, rule, event, at)
        return Routed(event, decision, receipt, receipt_json, given, writes)


def seen(event: Event) -> bytes:
    """Return the key under which an event is remembered: worker, then a digest of source and id."""
    name = f"{event.source}\0{event.id}".encode("utf-8", "surrogatepass")
    return _SEEN + event.subject.encode() + blake2b(name, digest_size=DIGEST_BYTES).digest()


def known(subject: str) -> bytes:
    """Return the key under which a worker's situations are remembered."""
    return _KNOWN + subject.encode()


def instant(timestamp: int) -> str:
    """Return a record's timestamp (milliseconds) as RFC 3339 in UTC, within the years 1970 to 9999."""
    seconds, milliseconds = divmod(min(max(timestamp, 0), _LAST_INSTANT), 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=1_024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


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


def _again(event: Event, digest: bytes, remembered: bytes) -> Duplicate | Refusal:
    if remembered[:DIGEST_BYTES] != digest:
        return refusals.CONFLICTING
    receipt_json = remembered[DIGEST_BYTES:]
    return Duplicate(event, RECEIPT.validate_json(receipt_json), receipt_json)
