"""Whether what lies on the input topic is of somebody who was erased since: nobody is shown it any more."""

import re
from collections.abc import Mapping
from typing import Final

from coordination import ids
from schemas.envelope import unpack
from schemas.veiled import ERASED_HEADER
from streaming.records import Record
from streaming.veil import Plain, is_erased


def stub(record: Record) -> Record:
    """Return what is kept of an input record whose content is gone: that it came, when, and whose it was."""
    headers = [(name, value) for name, value in record.headers if name in _KEPT and value is not None]
    key = record.key if record.key is not None and _WORKER.fullmatch(record.key) else None
    marks = [*headers, (ERASED_HEADER, b"")]
    return Plain(record.topic, record.partition, record.offset, record.timestamp, key, None, marks)


def is_stub(record: Record) -> bool:
    """Say whether that is all that is left of an input record."""
    return record.value is None and is_erased(record)


_KEPT: Final = frozenset({"ce_id", "ce_source", "ce_subject", "ce_type", "l233-rekeyed"})
_WORKER: Final = re.compile(rb"worker:[0-9a-f]{32}")


def input_was_erased(record: Record, erasures: Mapping[bytes, int]) -> bool:
    """Say whether an input record came before its worker was erased.

    One that names no worker goes with its dead letter: that has a key of its own id.
    """
    if not erasures:
        return False
    if (at := erasures.get(record.key or b"")) is not None and record.timestamp <= at:
        return True
    subject = unpack(record.value, record.headers).subject
    name = subject or ids.refusal_id(record.topic, record.partition, record.offset, "dead-letter")
    at = erasures.get(name.encode())
    return at is not None and record.timestamp <= at
