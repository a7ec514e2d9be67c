"""Input records that were taken out of Kafka before their time, because somebody was to go: all but his.

FOLDER/<topic>-<partition>-before-<offset>.jsonl has, in order, what stood there before an offset. Readers
find it as if it still lay there. Readable by its owner alone: records are as producers sent them.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from streaming.keyfile import OWNER_ONLY, overwrite
from streaming.records import Record
from streaming.veil import Plain

_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a folder, which need not be there."""

    folder: Path

    def end(self, topic: str, number: int) -> int:
        """Return the offset before which a partition's records are here; 0: none is."""
        return max((end for end, _ in self._files(topic, number)), default=0)

    def _files(self, topic: str, number: int) -> list[tuple[int, Path]]:
        begins = f"{topic}-{number}-before-"
        paths = self.folder.glob(f"{begins}*.jsonl")
        return sorted((int(path.stem.removeprefix(begins)), path) for path in paths)

    def read(self, topic: str, number: int, start: int = 0) -> Iterator[Sequence[Record]]:
        """Yield the records of a partition from an offset on, in order, some at a time."""
        some: list[Record] = []
        for record in self._all(topic, number):
            if record.offset >= start:
                some.append(record)
            if len(some) >= _AT_ONCE:
                yield some
                some = []
        if some:
            yield some

    def _all(self, topic: str, number: int) -> Iterator[Record]:
        files = self._files(topic, number)
        if not files:
            return
        with files[-1][1].open(encoding="utf-8") as lines:
            for line in lines:
                said = json.loads(line)
                headers = tuple((name, b64decode(value)) for name, value in said["headers"])
                key, value = (None if one is None else b64decode(one) for one in (said["key"], said["value"]))
                yield Plain(topic, number, said["offset"], said["timestamp"], key, value, headers)

    def at(self, topic: str, number: int, timestamp: int) -> int | None:
        """Return the first offset here that is of `timestamp` (ms) or later."""
        later = (one.offset for one in self._all(topic, number) if one.timestamp >= timestamp)
        return next(later, None)

    @contextmanager
    def replaced(self, topic: str, number: int, end: int) -> Iterator[Callable[[Record], None]]:
        """Take all that stood before `end` in a partition in the place of what is here; all or nothing.

        What was here before is overwritten where it lay. Raises OSError.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        before = [path for _, path in self._files(topic, number)]
        path = self.folder / f"{topic}-{number}-before-{end}.jsonl"
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yield lambda record: _put(file, record)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            beside.unlink()
            raise
        kept = [(old, old.open("r+b")) for old in before]
        beside.replace(path)
        for old, handle in kept:
            with handle:
                overwrite(handle)
            if old != path:
                old.unlink()


def _put(file: TextIO, record: Record) -> None:
    file.write(_line(record))


def _line(record: Record) -> str:
    said = {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [(name, _text(value or b"")) for name, value in record.headers],
    }
    return json.dumps(said, separators=(",", ":")) + "\n"


def _text(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
