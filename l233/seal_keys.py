"""With which keys checkpoints are signed here, and whose count: as the settings say, or the example's."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.audit import Sealing
from agents.sealers import Sealers, example_sealers
from agents.witness import Witnessing
from coordination.sealing import AUDIT, Keys
from coordination.signing import KeyUnusableError, public_hex, public_key
from l233.errors import BadInput
from l233.scheme_files import read_key
from l233.settings import Settings
from l233.trust import ENDING

_MAKE: Final = "make one with `l233 audit keygen`"


def trusted(settings: Settings) -> Keys:
    """Return whose signatures under checkpoints count.

    Raises BadInput for a key that can't be used; in production also for one that is missing or the example's.
    """
    example = example_sealers().trusted
    if settings.seal_keys is None:
        if settings.production:
            raise BadInput(
                "production trusts no example key, and L233_SEAL_KEYS names no others: set it to a folder "
                f"with {AUDIT}{ENDING} and ORGANISM{ENDING} of who signs checkpoints"
            )
        return example
    own = _folder(settings.seal_keys)
    if not settings.production:
        return {who: {*example.get(who, ()), *own.get(who, ())} for who in {*example, *own}}
    for who, keys in own.items():
        if any(key in known for key in keys for known in example.values()):
            raise BadInput(
                f"{settings.seal_keys}: a key of {who} is an example key, which everybody has: production "
                f"refuses it; {_MAKE}"
            )
    if AUDIT not in own or len(own) == 1:
        raise BadInput(f"{settings.seal_keys}: a key of {AUDIT} and one of an organism are needed")
    return own


def sealers(settings: Settings, names: Collection[str]) -> Sealers:
    """Return who seals in a worker of these roles: each has its own key, and no more than it needs.

    Raises BadInput for a key that is missing, can't be used, or that nobody would believe.
    """
    known, example = trusted(settings), example_sealers()
    sealing = example.sealing
    if "audit" in names and settings.audit_key is not None:
        sealing = Sealing(_known(settings.audit_key, AUDIT, known))
    elif "audit" in names and settings.production:
        raise BadInput(f"the role audit needs a key of its own in production: set L233_AUDIT_KEY; {_MAKE}")
    if sealing is not None:
        sealing = Sealing(sealing.key, round(settings.seal_seconds * 1000))
    witnessing, organism = example.witnessing, settings.witness
    if "witness" in names and settings.witness_key is not None:
        if organism == AUDIT:
            raise BadInput("L233_WITNESS audit: an organism is to sign beside the audit, such as cnam")
        key = _known(settings.witness_key, organism, known)
        witnessing = Witnessing(organism, key, {AUDIT: known.get(AUDIT, ())})
    elif "witness" in names and (
        settings.production or witnessing is None or witnessing.organism != organism
    ):
        raise BadInput(f"the role witness needs a key of {organism}: set L233_WITNESS_KEY; {_MAKE}")
    elif witnessing is not None:
        witnessing = Witnessing(organism, witnessing.key, {AUDIT: known.get(AUDIT, ())})
    return Sealers(known, sealing, witnessing)


def _known(path: Path, who: str, known: Keys) -> Ed25519PrivateKey:
    """Read a private key whose public half is trusted: what others would not believe is not signed."""
    key = read_key(path)
    if public_hex(key.public_key()) not in known.get(who, ()):
        raise BadInput(f"{path}: nobody trusts this key of {who}: put {who}{ENDING} into L233_SEAL_KEYS")
    return key


def _folder(folder: Path) -> Keys:
    found: dict[str, set[str]] = {}
    try:
        for path in sorted(folder.glob(f"*{ENDING}")):
            found.setdefault(path.name.split(".")[0], set()).add(public_key(path.read_bytes()))
    except KeyUnusableError as error:
        raise BadInput(f"{path} {error}") from error
    except OSError as error:
        raise BadInput(f"can't read L233_SEAL_KEYS {folder}: {error.strerror}") from error
    if not found:
        raise BadInput(f"L233_SEAL_KEYS {folder}: holds no key, NAME{ENDING}")
    return found
