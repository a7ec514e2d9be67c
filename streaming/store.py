"""The state of one lane on disk: RocksDB, at most behind its changelog, never ahead of it."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from rocksdict import Options, Rdict, WriteBatch

from streaming.errors import StateInUse
from streaming.records import Later, Output, Result
from streaming.veil import NO_VEIL, Veil

RESERVED = b"\x00"
"""Keys that begin with this byte belong to the delivery, not to a handler."""
_APPLIED = RESERVED + b"applied"
"""Local only, never in the changelog: next changelog offset to read, and when that was written (ms)."""


class Store:
    """Key-value state of one lane; every write carries the changelog offset it stands for, atomically.

    Raises `StateInUse` when another process has the folder open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = self._open()

    def _open(self) -> Rdict:
        self._folder.mkdir(parents=True, exist_ok=True)
        options = Options(raw_mode=True)
        options.create_if_missing(create_if_missing=True)
        options.set_keep_log_file_num(2)
        try:
            return Rdict(str(self._folder), options)
        except Exception as error:
            if "lock" in str(error).lower():
                raise StateInUse(
                    f"state folder {self._folder} is used by another worker: "
                    "give this one a name of its own (l233 worker --name), or wait until that one has ended"
                ) from error
            raise

    def get(self, key: bytes) -> bytes | None:
        """Return the committed value under `key`, or None."""
        value: bytes | None = self._db.get(key)
        return value

    def apply(self, writes: Mapping[bytes, bytes | None], *, next_offset: int, now_ms: int) -> None:
        """Make `writes` visible together with the changelog offset that follows them."""
        batch = WriteBatch(raw_mode=True)
        for key, value in writes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_APPLIED, b"%d %d" % (next_offset, now_ms))
        self._db.write(batch)

    def applied(self) -> tuple[int, int] | None:
        """Return (next changelog offset, milliseconds when written), or None for an empty store."""
        value = self._db.get(_APPLIED)
        if value is None:
            return None
        offset, written = value.split()
        return int(offset), int(written)

    def scan(self, prefix: bytes, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Return the entries whose keys begin with `prefix`, by key, from the key `start` on if one is given.

        Looks only at what it returns: nothing before `start` is read.
        """
        for key, value in self._db.items(from_key=prefix if start is None else start):
            if not key.startswith(prefix):
                return
            yield key, value

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return everything a handler or the delivery has written, by key; for checks, not for work."""
        return [(key, value) for key, value in self._db.items() if key != _APPLIED]

    def wipe(self) -> None:
        """Forget everything, for a restore in full."""
        self._db.close()
        shutil.rmtree(self._folder)
        self._db = self._open()

    def close(self) -> None:
        """Release the folder."""
        self._db.close()


def entries(kept: Mapping[bytes, bytes | None], prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return what a mapping keeps under keys that begin so, by key; None is nothing."""
    for key in sorted(key for key in kept if key.startswith(prefix)):
        value = kept[key]
        if value is not None:
            yield key, value


class Overlay:
    """The state as a slice sees it: what the transaction under way has written, over what is committed.

    On disk and in the changelog a worker's values are veiled; here they are plain, and of one erased absent.
    """

    def __init__(self, store: Store, veil: Veil = NO_VEIL) -> None:
        self._store = store
        self._veil = veil
        self.writes: dict[bytes, bytes | None] = {}
        self._latest: dict[tuple[str, bytes | None], Output | Later] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the newest value under `key`, or None."""
        if key in self.writes:
            return self.writes[key]
        value = self._store.get(key)
        return None if value is None else self._veil.opened(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the newest entries whose keys begin with `prefix`, by key."""
        changed = {key: value for key, value in self.writes.items() if key.startswith(prefix)}
        if not changed:
            return self._opened(prefix)
        return entries({**dict(self._opened(prefix)), **changed}, prefix)

    def _opened(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, kept in self._store.scan(prefix):
            value = self._veil.opened(key, kept)
            if value is not None:
                yield key, value

    def veiled(self) -> dict[bytes, bytes | None]:
        """Return the writes as they are to be kept."""
        return {
            key: None if value is None else self._veil.kept(key, value) for key, value in self.writes.items()
        }

    def take(self, result: Result) -> None:
        """Add what one record writes."""
        self.writes.update(result.writes)
        for output in result.latest:
            self._latest[output.topic, output.key] = output

    def latest(self) -> Iterator[Output]:
        """Return the outputs to compacted topics, of each key the last."""
        for output in self._latest.values():
            yield output.output() if isinstance(output, Later) else output
