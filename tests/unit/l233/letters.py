"""Dead letters as roles write them, made from records."""

from collections.abc import Mapping

from agents.emission import dead_letter
from coordination.intake import Intake
from coordination.partitioning import partition_of
from coordination.verdicts import InputRecord, Refused
from l233.dead_letters import Letter
from schemas.envelope import pack_binary, unpack_structured
from schemas.records import DEAD_LETTER
from schemas.refusal import Refusal
from tests.unit.coordination.examples import directory, rulebook

PARTITIONS = 4


def laid(line: bytes, offset: int = 7, marks: Mapping[str, bytes] | None = None) -> InputRecord:
    """Return an event as it lies on the input topic in binary mode, under its worker."""
    envelope = unpack_structured(line)
    assert envelope.payload is not None
    assert envelope.subject is not None
    headers, value = pack_binary(envelope.attributes, envelope.payload)
    key = envelope.subject.encode()
    marked = (*headers, *(marks or {}).items())
    return InputRecord(
        "l233.events", partition_of(key, PARTITIONS), offset, 1_772_440_200_000, key, value, marked
    )


def refused(record: InputRecord, memory: Mapping[bytes, bytes] | None = None) -> Letter:
    """Return the letter that intake writes of a record that it refuses."""
    verdict = Intake(rulebook(), directory(), {}, PARTITIONS).judge(record, memory or {})
    assert isinstance(verdict, Refused)
    return given_up("intake", record, verdict.refusal)


def given_up(role: str, record: InputRecord, refusal: Refusal | None = None) -> Letter:
    """Return the letter that a role writes of a record, as it is read back."""
    written = dead_letter(role, record, refusal or Refusal("unexpected", ()), None)
    return Letter(DEAD_LETTER.validate_json(written.value or b""), role, None)
