"""Who signs checkpoints here, with which keys, and whose signatures under them count."""

from collections.abc import Callable
from dataclasses import dataclass

import scheme
from agents.audit import Sealing
from agents.witness import Witnessing
from coordination.sealing import AUDIT, Keys, check_seals
from coordination.signing import private_key, trust
from schemas.audit import CHECKPOINT
from streaming.reading import Place
from streaming.records import Record

EXAMPLE_WITNESS = "cnam"


@dataclass(frozen=True, slots=True)
class Sealers:
    """What is needed to seal, to witness, and to know what is sealed; None: not here."""

    trusted: Keys
    sealing: Sealing | None = None
    witnessing: Witnessing | None = None


def example_sealers() -> Sealers:
    """Return the example's sealers, whose keys everybody has."""
    trusted = trust(scheme.example_seal_keys())
    keys = {who: private_key(pem.encode()) for who, pem in scheme.example_seal_private_keys().items()}
    return Sealers(
        trusted,
        Sealing(keys[AUDIT]),
        Witnessing(EXAMPLE_WITNESS, keys[EXAMPLE_WITNESS], {AUDIT: trusted[AUDIT]}),
    )


def sealed_up_to(trusted: Keys) -> Callable[[Record], tuple[Place, int] | None]:
    """Return what tells how far a checkpoint seals which partition: its topic and number, and the offset.

    It answers None for a record that is no checkpoint, and for one that the audit and an organism have not
    both signed with trusted keys.
    """

    def read(record: Record) -> tuple[Place, int] | None:
        try:
            sealed = CHECKPOINT.validate_json(record.value or b"")
            topic, _, number = sealed.checkpoint.log.rpartition("/")
            place = topic, int(number)
        except ValueError:
            return None
        return None if check_seals(sealed, trusted, 1, "") else (place, sealed.checkpoint.end)

    return read
