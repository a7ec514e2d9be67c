"""Whose signatures count: the public keys that the settings name and, unless in production, the example's.

A folder of trusted keys holds `AUTHORITY.public.pem`, or `AUTHORITY.ANYTHING.public.pem` where an authority
has several, as when it changes its key.
"""

from pathlib import Path
from typing import Final

import scheme
from coordination.lifecycle import HEADS, MINISTERS
from coordination.signing import KeyUnusableError, Trusted, public_key, trust
from l233.errors import BadInput
from l233.settings import Settings

ENDING: Final = ".public.pem"
AUTHORITIES: Final = (*HEADS, *MINISTERS)


def example_keys() -> Trusted:
    """Return the public keys that signed the shipped example."""
    return trust(scheme.example_keys())


def trusted(settings: Settings) -> Trusted:
    """Return whose signatures count under these settings.

    Raises BadInput for a key that can't be used; in production also for one that is missing or the example's.
    """
    example = example_keys()
    if settings.trusted_keys is None:
        if settings.production:
            raise BadInput(
                "production trusts no example key, and L233_TRUSTED_KEYS names no others: set it to a folder "
                "with NAME.public.pem of cnam, cnav, acoss and both ministers (l233 scheme keygen)"
            )
        return example
    own = _folder(settings.trusted_keys)
    if not settings.production:
        return {name: example[name] | own.get(name, frozenset()) for name in AUTHORITIES}
    for name, keys in own.items():
        if keys & frozenset().union(*example.values()):
            raise BadInput(
                f"{settings.trusted_keys}: a key of {name} is an example key, which everybody has: "
                "production refuses it; make one with `l233 scheme keygen`"
            )
    if lacking := [name for name in AUTHORITIES if name not in own]:
        raise BadInput(f"{settings.trusted_keys}: no key of {', '.join(lacking)}: add NAME{ENDING} of each")
    return own


def _folder(folder: Path) -> Trusted:
    found: dict[str, frozenset[str]] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDING))
    except OSError as error:
        raise BadInput(f"can't read L233_TRUSTED_KEYS {folder}: {error.strerror}") from error
    for path in paths:
        name = path.name.split(".")[0]
        if name not in AUTHORITIES:
            raise BadInput(f"{path}: {name} signs no scheme: name the file after {', '.join(AUTHORITIES)}")
        try:
            found[name] = found.get(name, frozenset()) | {public_key(path.read_bytes())}
        except KeyUnusableError as error:
            raise BadInput(f"{path} {error}") from error
        except OSError as error:
            raise BadInput(f"can't read {path}: {error.strerror}") from error
    return found
