"""Witness: an organism signs the audit's checkpoints too, once it has seen that each log only grew.

Whoever trusts the organism, and not the audit alone, then knows that nobody was shown another past.
"""

from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.emission import checkpoint
from coordination.sealing import Finding, Keys, check_seals, goes_on, seal
from schemas.audit import CHECKPOINT, Checkpoint
from streaming.records import Record, Result, State

ROLE: Final = "witness"
_SIGNED: Final = b"signed\0"


class ForkError(ValueError):
    """A checkpoint that no witness signs: the message says what is wrong with it."""

    def __init__(self, log: str, findings: list[Finding]) -> None:
        told = "; ".join(f"{finding.where}: {finding.message}" for finding in findings)
        super().__init__(f"checkpoint of {log} is not signed: {told}")


@dataclass(frozen=True, slots=True)
class Witnessing:
    """Who signs, with which key, and the audit's keys that it believes."""

    organism: str
    key: Ed25519PrivateKey
    audit: Keys


class Witness:
    """The handler of checkpoints."""

    def __init__(self, witnessing: Witnessing) -> None:
        self._by = witnessing

    def __call__(self, record: Record, state: State) -> Result:
        """Sign a checkpoint that the audit signed and that goes on from the last one signed here.

        Raises ForkError for one that does not: it becomes a dead letter, and the log stays unsigned.
        """
        sealed = CHECKPOINT.validate_json(record.value or b"")
        point = sealed.checkpoint
        if any(given.by == self._by.organism for given in sealed.seals):
            return Result()  # our own, come back
        key = _SIGNED + point.log.encode()
        known = state.get(key)
        before = Checkpoint(point.log, 0, "", "", 0)
        if known is not None:
            before = CHECKPOINT.validate_json(known).checkpoint
        wrong = [*check_seals(sealed, self._by.audit, 0, ""), *goes_on(before, sealed, "")]
        if wrong:
            raise ForkError(point.log, wrong)
        both = replace(sealed, seals=(*sealed.seals, seal(point, self._by.organism, self._by.key)))
        return Result([checkpoint(ROLE, both)], {key: CHECKPOINT.dump_json(both)})
