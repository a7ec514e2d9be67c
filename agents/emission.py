"""How what was decided becomes records: CloudEvents in binary mode, on the lane of the worker concerned."""

import base64
import traceback
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

from coordination import ids
from coordination.acknowledgement import Acknowledgement
from coordination.instants import recorded
from coordination.outcomes import Outcome
from schemas.audit import CHECKPOINT, CHECKPOINT_TYPE, SealedCheckpoint
from schemas.envelope import Headers, pack_binary
from schemas.records import DEAD_LETTER, DEAD_LETTER_TYPE, MANDATE, RECEIPT_TYPE, DeadLetter, Mandate, Receipt
from schemas.refusal import Refusal, Violation
from schemas.topics import ACKNOWLEDGEMENTS, CHECKPOINTS, DEAD_LETTERS, OUTCOMES, RECEIPTS, inbox
from streaming.records import Output, Record

INPUT_HEADER: Final = "l233-input"
"""On everything that intake writes: `<partition>/<offset>` of the input record that caused it."""
OUTCOME_HEADER: Final = "l233-outcome"
REKEYED_HEADER: Final = "l233-rekeyed"
REDRIVES_HEADER: Final = "l233-redrives"
"""How often a record was put back from the dead letters, as decimal text."""
_DIGITS: Final = 9
"""Of a number of redrives; Python refuses to read thousands of them."""
MANDATE_HEADER: Final = "l233-mandate"


def source(role: str) -> str:
    """Return the CloudEvents `source` of what a role emits."""
    return f"urn:l233:{role}"


def moment(record: Record) -> str:
    """Return when Kafka took the record, RFC 3339 in UTC: the same at every re-execution."""
    return recorded(record.timestamp)


def place(record: Record) -> bytes:
    """Return `<partition>/<offset>` of a record."""
    return b"%d/%d" % (record.partition, record.offset)


def cloud_event(
    topic: str,
    *,
    type_: str,
    id_: str,
    role: str,
    subject: str | None,
    time: str,
    data: bytes,
    case: str | None = None,
    cause: str | None = None,
    marks: Headers = (),
    key: bytes | None = None,
) -> Output:
    """Return an emitted event as a record. Its key is the worker unless another is given."""
    worker, about = _about(subject, time, case, cause)
    headers = [*_unchanging(role, type_), ("ce_id", id_.encode()), *about, *marks]
    return Output(topic, worker if key is None else key, data, headers)


@lru_cache(maxsize=1_024)
def _about(
    subject: str | None, time: str, case: str | None, cause: str | None
) -> tuple[bytes | None, Headers]:
    """Return key and headers that all have in common that one record causes."""
    worker = None if subject is None else subject.encode()
    headers = [("ce_time", time.encode())]
    if worker is not None:
        headers.append(("ce_subject", worker))
    if case is not None:
        headers.append(("ce_correlationid", case.encode()))
    if cause is not None:
        headers.append(("ce_causationid", cause.encode()))
    return worker, headers


@lru_cache
def _unchanging(role: str, type_: str) -> Headers:
    """Return the headers that all events of one type have that one role emits."""
    return pack_binary({"source": source(role), "type": type_}, b"")[0]


def outcome(role: str, made: Outcome) -> Output:
    """Return what an organism made of an event as a record."""
    return cloud_event(
        OUTCOMES,
        type_=made.type,
        id_=made.id,
        role=role,
        subject=made.subject,
        time=made.at,
        data=made.payload,
        case=made.case,
        cause=made.causation,
    )


def acknowledgement(role: str, given: Acknowledgement) -> Output:
    """Return an acknowledgement as a record."""
    worker, about = _about(given.subject, given.at, given.case, given.causation)
    headers = [*_unchanging(role, given.type), ("ce_id", given.id.encode()), *about]
    return Output(ACKNOWLEDGEMENTS, worker, given.payload, headers)


def receipt(
    role: str, said: Receipt, data: bytes, *, subject: str | None, time: str, marks: Headers = ()
) -> Output:
    """Return a receipt, `data` as JSON, as a record."""
    return cloud_event(
        RECEIPTS,
        type_=RECEIPT_TYPE,
        id_=said.id,
        role=role,
        subject=subject,
        time=time,
        data=data,
        case=said.case,
        cause=said.event.id,
        marks=marks,
    )


def asking(told: Output, agent: str, mandate: Mandate) -> Output:
    """Return what is told as a request in the inbox of an agent, with what is asked of its organism."""
    marked = [*told.headers, (MANDATE_HEADER, MANDATE.dump_json(mandate))]
    return told._replace(topic=inbox(agent), headers=marked)


def checkpoint(role: str, sealed: SealedCheckpoint) -> Output:
    """Return a checkpoint as a record, on the lane of its log; who signed it last tells it."""
    point = sealed.checkpoint
    return cloud_event(
        CHECKPOINTS,
        type_=CHECKPOINT_TYPE,
        id_=ids.uuid5("checkpoint", point.log, str(point.size), point.root, role),
        role=role,
        subject=None,
        time=point.at,
        data=CHECKPOINT.dump_json(sealed),
        key=point.log.encode(),
    )


def redrives(headers: Headers) -> int:
    """Return how often a record has been redriven; a header that is no such number counts as none."""
    for name, value in headers:
        if name == REDRIVES_HEADER and value and value.isdigit() and len(value) <= _DIGITS:
            return int(value)
    return 0


def dead_letter(
    role: str,
    record: Record,
    refusal: Refusal,
    subject: str | None,
    remembered: Mapping[bytes, bytes] = MappingProxyType({}),
) -> Output:
    """Return the dead letter of a record, with its bytes, unless they hold personal data."""
    withheld = refusal.reason == "personal_data"
    letter = DeadLetter(
        id=ids.refusal_id(record.topic, record.partition, record.offset, "dead-letter"),
        reason=refusal.reason,
        errors=refusal.errors,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=None if withheld else _text(record.key),
        headers=() if withheld else tuple((name, _text(value)) for name, value in record.headers),
        payload=None if withheld else _text(record.value),
        redrives=redrives(record.headers),
        remembered=tuple((_base64(key), _base64(value)) for key, value in remembered.items()),
    )
    return cloud_event(
        DEAD_LETTERS,
        type_=DEAD_LETTER_TYPE,
        id_=letter.id,
        role=role,
        subject=subject,
        time=moment(record),
        data=DEAD_LETTER.dump_json(letter),
        marks=[(INPUT_HEADER, place(record)), ("l233-reason", refusal.reason.encode())],
        key=None if withheld else record.key,
    )


def unexpected(error: Exception) -> Refusal:
    """Return the refusal for a failure of our own: what failed and where, never the values it failed on."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    message = f"{type(error).__name__}{where}: a failure of l233 itself; redrive once it is repaired"
    return Refusal("unexpected", (Violation("", message),))


def unexpected_dead_letter(role: str, record: Record, error: Exception) -> Sequence[Output]:
    """Return what isolates a record on which a role's handler failed."""
    return [dead_letter(role, record, unexpected(error), None)]


def _text(value: bytes | None) -> str | None:
    return None if value is None else _base64(value)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
