"""What the audit writes: checkpoints of the sealed logs, the signatures under them, and proof files.

A sealed log is one partition of `l233.decisions` or `l233.acknowledgements`, named `<topic>/<partition>`; its
entries are the records as they stand there, in their order.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

CHECKPOINT_TYPE: Final = "fr.l233.checkpoint.v1"
PROOF_FORMAT: Final = "l233-proof/1"

Number = Annotated[int, Field(ge=0, lt=2**63)]
Partition = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log is: `size` entries, of which the Merkle root (RFC 9162, hexadecimal) is `root`."""

    log: str
    size: Number
    root: str
    at: str
    """RFC 3339."""
    end: Number
    """The offset after the last entry's: every record of the partition before it is an entry."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature (Ed25519) under a checkpoint; `by` is `audit` or an organism, key and signature in hex."""

    by: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class SealedCheckpoint:
    """A checkpoint with whoever signed it, and the proof that the log goes on from the one before.

    `before` is the size of the one before, 0 for a first one; `consistency` the hashes of RFC 9162, 2.1.4.
    """

    checkpoint: Checkpoint
    before: Number
    consistency: tuple[str, ...]
    seals: tuple[Seal, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of a log as it stands in Kafka; key, headers' values and value in base64."""

    topic: str
    partition: Partition
    offset: Number
    key: str | None
    headers: tuple[tuple[str, str | None], ...]
    value: str | None


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry, its place in its log, and the path to the root of a checkpoint (its place in the proof)."""

    entry: Entry
    index: Number
    checkpoint: Number
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """All that is needed to check, offline, that the records of a case stand in sealed logs."""

    format: str
    case: str
    entries: tuple[ProvenEntry, ...]
    checkpoints: tuple[SealedCheckpoint, ...]


CHECKPOINT: Final = TypeAdapter(SealedCheckpoint)
PROOF: Final = TypeAdapter(Proof)
