"""Writes what the topics hold, by day, for other tools: Parquet, CSV, JSON lines; and what to check it with.

FOLDER/<topic>/<day>.parquet     the records; a topic without any has none.parquet
FOLDER/leaves/<topic>-<n>.bin    every leaf hash of a sealed log from its beginning, 32 bytes each
FOLDER/checkpoints.jsonl         what audit and an organism have signed
FOLDER/ledger.sql                the conservation ledger as a query, for DuckDB
FOLDER/report.html               the period, for people
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import IO, Final

from coordination.conservation import Account, Ledger
from coordination.exported import row_of, without_content
from coordination.merkle import leaf_hash
from coordination.sealing import Keys, check_seals, entry_bytes, log_name
from l233.erased import input_was_erased
from l233.errors import BadInput
from l233.export_files import Files, Format, arrow
from l233.sealed import COSIGNERS, checkpoints
from schemas.audit import CHECKPOINT, SealedCheckpoint
from schemas.topics import ACKNOWLEDGEMENTS, DEAD_LETTERS, DECISIONS, INPUT, OUTCOMES, RECEIPTS
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record
from streaming.veil import readable

TOPICS: Final = (INPUT, DECISIONS, RECEIPTS, ACKNOWLEDGEMENTS, OUTCOMES, DEAD_LETTERS)
LEAVES: Final = "leaves"
CHECKPOINTS_FILE: Final = "checkpoints.jsonl"


@dataclass(frozen=True, slots=True)
class Period:
    """From when (inclusive) until when, both milliseconds; None: without bound."""

    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, first: datetime | None, last: datetime | None) -> "Period":
        """Return the period between two instants."""
        return cls(_milliseconds(first), _milliseconds(last))

    def holds(self, timestamp: int) -> bool:
        """Say whether a time lies in it."""
        return (self.first is None or timestamp >= self.first) and (
            self.last is None or timestamp < self.last
        )


@dataclass(slots=True)
class Exported:
    """What an export holds."""

    account: Account
    records: Mapping[tuple[str, str], int]
    """Topic and day -> records."""
    logs: Mapping[str, int]
    """Sealed log -> its entries, those outside of the period too."""
    checkpoints: Sequence[SealedCheckpoint] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is exported, where and how: `folder` is there and empty."""

    folder: Path
    period: Period
    formats: Sequence[Format]
    sealed: Sequence[str]
    """The topics whose partitions are sealed logs."""
    trusted: Keys
    partitions: int
    """Those of the input topic."""


def prepare(folder: Path, formats: Sequence[Format]) -> None:
    """Make an empty folder for an export.

    Raises BadInput for one that can't be written to or is not empty; L233Error where Parquet is asked for and
    pyarrow is not installed.
    """
    if "parquet" in formats:
        arrow()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty: name a new folder")
        for name in (*TOPICS, LEAVES):
            (folder / name).mkdir()
    except OSError as error:
        raise BadInput(f"can't write to {folder}: {error.strerror}") from error
    (folder / "ledger.sql").write_bytes(files("l233").joinpath("ledger.sql").read_bytes())


async def export(connection: Connection, asked: Asked) -> Exported:
    """Write what the topics hold of a period; return what that is. Raises KafkaError, TopicMissingError."""
    gone = connection.veil.erasures()
    ledger, counts = Ledger(asked.partitions), Counter[tuple[str, str]]()
    sizes: dict[str, int] = {}
    async with reader(connection) as source:
        for topic in TOPICS:
            ends = await source.ends(await source.places([topic]))
            with ExitStack() as closing:
                leaves = _Leaves(asked.folder / LEAVES, closing) if topic in asked.sealed else None
                starts = {} if leaves is not None else await _starts(source, ends, asked.period)
                days = Files(asked.folder / topic, asked.formats, closing)
                async for batch in source.read_as_written(ends, starts):
                    rows = []
                    for record in batch:
                        index, leaf = (None, None) if leaves is None else leaves.add(record)
                        if asked.period.holds(record.timestamp):
                            ledger.take(readable(connection.veil, record))
                            row = row_of(record, asked.partitions, index, leaf)
                            hide = topic == INPUT and input_was_erased(record, gone)
                            rows.append(without_content(row) if hide else row)
                    counts.update((row.topic, row.day) for row in rows)
                    days.write(rows)
                days.end()
                if leaves is not None:
                    sizes |= {log_name(*place): size for place, size in leaves.sizes.items()}
        known, _ = await checkpoints(source)
    signed = [one.sealed for placed in known.values() for one in placed if _counts(one.sealed, asked.trusted)]
    _write_checkpoints(asked.folder, signed)
    return Exported(ledger.account(), dict(sorted(counts.items())), sizes, signed)


def _counts(sealed: SealedCheckpoint, trusted: Keys) -> bool:
    return not check_seals(sealed, trusted, COSIGNERS, "")


def _write_checkpoints(folder: Path, signed: Sequence[SealedCheckpoint]) -> None:
    lines = [CHECKPOINT.dump_json(one) + b"\n" for one in signed]
    (folder / CHECKPOINTS_FILE).write_bytes(b"".join(lines))


async def _starts(source: Reader, ends: Mapping[Place, int], period: Period) -> Mapping[Place, int]:
    if period.first is None:
        return {}
    found = await source.at(ends, period.first)
    return {place: found.get(place, end) for place, end in ends.items()}


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


class _Leaves:
    """Keeps the leaf hashes of every log of a topic, in files."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self._folder = folder
        self._closing = closing
        self._files: dict[Place, IO[bytes]] = {}
        self.sizes: Counter[Place] = Counter()

    def add(self, record: Record) -> tuple[int, bytes]:
        """Add the next record of a log; return its place there and its hash."""
        place = record.topic, record.partition
        if place not in self._files:
            path = self._folder / f"{record.topic}-{record.partition}.bin"
            self._files[place] = self._closing.enter_context(path.open("wb"))
        index, leaf = self.sizes[place], leaf_hash(entry_bytes(record))
        self._files[place].write(leaf)
        self.sizes[place] += 1
        return index, leaf
