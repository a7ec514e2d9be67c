"""Audit: seals what was decided and acknowledged, and signs, again and again, how far the sealed logs are.

Each partition of the sealed topics is a Merkle log. A checkpoint is signed a little after the first record
that the one before did not cover; the witness of an organism signs it too (`agents.witness`).
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.emission import checkpoint
from coordination.instants import recorded
from coordination.merkle import Growth, leaf_hash
from coordination.sealing import AUDIT, entry_bytes, log_name, seal
from schemas.audit import Checkpoint, SealedCheckpoint
from streaming.records import Record, Result, State
from streaming.timers import Timer, timer_key

ROLE: Final = "audit"
_LOG: Final = b"log\0"
_RECENT: Final = 64
_OFFSET: Final = 8
_NEVER: Final = bytes(_OFFSET) + Growth().encode()


@dataclass(frozen=True, slots=True)
class Sealing:
    """With which key checkpoints are signed, and how long a record may wait for the next one."""

    key: Ed25519PrivateKey
    within_ms: int = 5_000


class Audit:
    """The handler of the sealed topics."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._recent: dict[bytes, Growth] = {}
        """What was last written, by its bytes: a log mostly grows by many records in a row."""

    def __call__(self, record: Record, state: State) -> Result:
        """Append a record to the log of its partition; the first since a checkpoint asks for the next."""
        log = log_name(record.topic, record.partition).encode()
        before = self._growth(state.get(_LOG + log))
        after = before.with_leaf(leaf_hash(entry_bytes(record)))
        writes: dict[bytes, bytes | None] = {_LOG + log: self._kept(after, record.offset + 1)}
        if before.size == before.sealed:
            writes[timer_key(record.timestamp + self._sealing.within_ms, log)] = b""
        return Result(writes=writes)

    def due(self, timer: Timer, state: State) -> Result:
        """Sign how far a log is, with the proof that it goes on from the checkpoint before."""
        kept = state.get(_LOG + timer.name) or _NEVER
        growth, end = self._growth(kept), int.from_bytes(kept[:_OFFSET], "big")
        point = Checkpoint(timer.name.decode(), growth.size, growth.root().hex(), recorded(timer.at_ms), end)
        steps = tuple(step.hex() for step in growth.consistency())
        sealed = SealedCheckpoint(point, growth.sealed, steps, (seal(point, AUDIT, self._sealing.key),))
        return Result([checkpoint(ROLE, sealed)], {_LOG + timer.name: self._kept(growth.at_rest(), end)})

    def _growth(self, kept: bytes | None) -> Growth:
        if kept is None:
            return Growth()
        return self._recent.pop(kept, None) or Growth.decode(kept[_OFFSET:])

    def _kept(self, growth: Growth, end: int) -> bytes:
        """Return a log as the state has it: the offset after its last entry's, and how it can go on."""
        kept = end.to_bytes(_OFFSET, "big") + growth.encode()
        if len(self._recent) >= _RECENT:
            del self._recent[next(iter(self._recent))]
        self._recent[kept] = growth
        return kept
