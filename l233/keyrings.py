"""Which keyring a system has: the one that the settings name or, on a machine of one's own, its own."""

from pathlib import Path
from typing import Final

from l233.errors import BadInput
from l233.settings import Settings
from streaming import keyfile

NAME: Final = "keyring"
_MAKE: Final = "`l233 audit keygen keyring` makes one"


def require(settings: Settings) -> None:
    """Raise BadInput where production would write plainly what is personal."""
    if settings.production and settings.keyring is None:
        raise BadInput(
            "production veils what is personal, and L233_KEYRING names no keyring: set it to the file that "
            f"all workers and readers share; {_MAKE}"
        )


def with_own(settings: Settings) -> Settings:
    """Return settings with a keyring: in the home folder, made if need be, where none is named.

    Raises BadInput for a folder that can't be written to.
    """
    if settings.production or settings.keyring is not None:
        return settings
    try:
        keyfile.make(settings.own_keyring)
    except OSError as error:
        raise BadInput(f"can't write {settings.own_keyring}: {error.strerror}") from error
    return settings.model_copy(update={"keyring": settings.own_keyring})


def make(to: Path) -> Path:
    """Make a keyring in a folder. Raises BadInput where there is one already."""
    path = to / f"{NAME}.json"
    try:
        made = keyfile.make(path)
    except OSError as error:
        raise BadInput(f"can't write {path}: {error.strerror}") from error
    if not made:
        raise BadInput(f"{path} exists: a keyring is never overwritten; move it away or choose --to")
    return path
