"""The keyring as a file: read when it changes, replaced whole, and what it said before overwritten."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from schemas.keyring import SECRET_BYTES, Keyring, KeyringError, read, write
from streaming.errors import KeyringUnusable

OWNER_ONLY: Final = 0o600
LOOK_SECONDS: Final = 1.0
"""How long a process may go on by a keyring that was replaced."""


def make(path: Path) -> bool:
    """Make a new keyring, readable by its owner alone; False where there is a file already.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_new(path, write(Keyring.of(fresh())))
    except FileExistsError:
        return False
    return True


def fresh() -> bytes:
    """Return the secret of a new tree."""
    return secrets.token_bytes(SECRET_BYTES)


def load(path: Path) -> Keyring:
    """Read a keyring. Raises KeyringUnusable."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (UnicodeDecodeError, KeyringError) as error:
        raise KeyringUnusable(f"{path} {error} (setting L233_KEYRING)") from error


def _unreadable(path: Path, error: OSError) -> KeyringUnusable:
    return KeyringUnusable(
        f"can't read the keyring {path}: {error.strerror} (setting L233_KEYRING; `l233 audit keygen keyring` "
        "makes one)"
    )


def update(path: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    """Put a changed keyring in the place of one, all or nothing, and overwrite the bytes of the one before.

    Who changes it at the same time waits. Overwriting reaches the blocks that the old file has now, as far as
    the file system writes in place: one that copies on write or keeps snapshots, and a disk that moves blocks
    by itself, may keep them. Returns the keyring as it is then. Raises KeyringUnusable, OSError.
    """
    with _alone(path) as before:
        changed = change(load(path))
        beside = path.with_name(f"{path.name}.new")
        beside.unlink(missing_ok=True)  # left by one that ended in between: it was nobody's keyring yet
        _write_new(beside, write(changed))
        beside.replace(path)
        _sync(path.parent)
        overwrite(before)
    return changed


def overwrite(file: BinaryIO) -> None:
    """Put zeros in the place of all that a file says, down to the disk."""
    file.write(bytes(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """Open the file that is there, and hold it alone: not one that another has replaced meanwhile."""
    while True:
        try:
            file = path.open("r+b")
        except OSError as error:
            raise KeyringUnusable(f"can't write the keyring {path}: {error.strerror}") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                yield file
                return


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class KeyringFile:
    """A keyring that is read again when its file was replaced; it looks once a second at most."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read it. Raises KeyringUnusable."""
        self._path = path
        self._clock = clock
        self._seen: tuple[int, int] = (0, 0)
        self._look_at = 0.0
        self._keyring = self._read()
        self.version = 0
        """Changes with the keyring: what was computed from another one is to be forgotten."""

    def current(self) -> Keyring:
        """Return the keyring as it is. Raises KeyringUnusable."""
        now = self._clock()
        if now >= self._look_at:
            if self._stamp() != self._seen:
                self._keyring = self._read()
                self.version += 1
            self._look_at = now + LOOK_SECONDS  # not while it can't be read: nothing goes on by an old one
        return self._keyring

    def _read(self) -> Keyring:
        while True:
            self._seen = self._stamp()
            try:
                return load(self._path)
            except KeyringUnusable:
                if self._stamp() == self._seen:  # else it was replaced, and overwritten, while it was read
                    raise

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise _unreadable(self._path, error) from error
        return found.st_ino, found.st_mtime_ns
