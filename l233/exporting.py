"""Writes what the topics hold, by day, for other tools: Parquet, CSV, JSON lines; and what to check it with.

FOLDER/<topic>/<day>.parquet     the records; a topic without any has none.parquet
FOLDER/leaves/<topic>-<n>.bin    every leaf hash of a sealed log from its beginning, 32 bytes each
FOLDER/checkpoints.jsonl         what audit and an organism have signed
FOLDER/ledger.sql                the conservation ledger as a query, for DuckDB
FOLDER/report.html               the period, for people
"""

import base64
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final, Literal, Protocol

from coordination.conservation import Account, Ledger
from coordination.exported import LEDGER_HEADERS, Row, check_leaves, check_rows, row_of, without_content
from coordination.merkle import HASH_BYTES, leaf_hash
from coordination.sealing import Finding, Keys, check_seals, entry_bytes, log_name
from l233.erased import input_was_erased
from l233.errors import BadInput, L233Error
from l233.sealed import COSIGNERS, checkpoints
from schemas.audit import CHECKPOINT, SealedCheckpoint
from schemas.topics import ACKNOWLEDGEMENTS, DEAD_LETTERS, DECISIONS, INPUT, OUTCOMES, RECEIPTS
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record
from streaming.veil import readable

Format = Literal["parquet", "csv", "jsonl"]
TOPICS: Final = (INPUT, DECISIONS, RECEIPTS, ACKNOWLEDGEMENTS, OUTCOMES, DEAD_LETTERS)
LEAVES: Final = "leaves"
CHECKPOINTS_FILE: Final = "checkpoints.jsonl"
_COLUMNS: Final = (
    "topic",
    "partition",
    "offset",
    "timestamp",
    "day",
    "key",
    "value",
    "headers",
    "leaf_index",
    "leaf_hash",
    *LEDGER_HEADERS,
    "subject",
    "belongs",
    "said",
)
_NUMBERS: Final = {"partition", "offset", "timestamp", "leaf_index", "belongs"}
_BYTES: Final = {"key", "value"}
_AT_ONCE: Final = 5_000
"""Rows of a file that are written together."""


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


class _Writer(Protocol):
    """Writes rows of one file."""

    def write(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what waits and close the file."""


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
        _arrow()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty: name a new folder")
        for name in (*TOPICS, LEAVES):
            (folder / name).mkdir()
    except OSError as error:
        raise BadInput(f"can't write to {folder}: {error.strerror}") from error
    (folder / "ledger.sql").write_text(LEDGER, encoding="utf-8")


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
                files = _Files(asked.folder / topic, asked.formats, closing)
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
                    files.write(rows)
                files.end()
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


def checkpoints_of(folder: Path) -> list[SealedCheckpoint]:
    """Return the checkpoints of an export."""
    return [CHECKPOINT.validate_json(line) for line in (folder / CHECKPOINTS_FILE).read_bytes().splitlines()]


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


class _Files:
    """The files of a topic, one a day and format."""

    def __init__(self, folder: Path, formats: Sequence[Format], closing: ExitStack) -> None:
        self._folder = folder
        self._formats = formats
        self._closing = closing
        self._open: dict[tuple[str, Format], _Writer] = {}

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows, each to its day."""
        by_day: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
        for row in rows:
            by_day[row.day].append(_cells(row))
        for day, cells in by_day.items():
            for one in self._formats:
                self._file(day, one).write(cells)

    def end(self) -> None:
        """Leave a file without rows where there are none: a query names the topic all the same."""
        if not self._open:
            for one in self._formats:
                self._file("none", one).write([])

    def _file(self, day: str, one: Format) -> _Writer:
        if (day, one) not in self._open:
            writer = _WRITERS[one](self._folder / f"{day}.{one}")
            self._closing.callback(writer.close)
            self._open[day, one] = writer
        return self._open[day, one]


def _cells(row: Row) -> dict[str, object]:
    headers = [(name, None if value is None else _text(value)) for name, value in row.headers]
    return {
        "topic": row.topic,
        "partition": row.partition,
        "offset": row.offset,
        "timestamp": row.timestamp,
        "day": row.day,
        "key": row.key,
        "value": row.value,
        "headers": json.dumps(headers),
        "leaf_index": row.leaf_index,
        "leaf_hash": None if row.leaf_hash is None else row.leaf_hash.hex(),
        **row.named,
        "subject": row.subject,
        "belongs": row.belongs,
        "said": row.said,
    }


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _printable(cells: Mapping[str, object]) -> dict[str, object]:
    return {name: _text(cell) if isinstance(cell, bytes) else cell for name, cell in cells.items()}


class _Lines:
    """JSON lines; key and value in base64."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows."""
        self._file.writelines(json.dumps(_printable(row)) + "\n" for row in rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Table:
    """CSV (RFC 4180), a heading first; key and value in base64, nothing where there is none."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.DictWriter(self._file, _COLUMNS)
        self._csv.writeheader()

    def write(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows."""
        self._csv.writerows(_printable(row) for row in rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Parquet:
    """Parquet, compressed with Zstandard; key and value as bytes."""

    def __init__(self, path: Path) -> None:
        arrow = _arrow()
        self._table: Any = arrow.Table
        self._schema: Any = arrow.schema([(name, _type(arrow, name)) for name in _COLUMNS])
        self._writer: Any = import_module("pyarrow.parquet").ParquetWriter(
            path, self._schema, compression="zstd"
        )
        self._waiting: list[Mapping[str, object]] = []

    def write(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows, many together."""
        self._waiting += rows
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._waiting, schema=self._schema))
        self._waiting = []

    def close(self) -> None:
        """Write what waits and close the file."""
        self._flush()
        self._writer.close()


def _type(arrow: Any, name: str) -> object:  # noqa: ANN401  a module without types
    if name in _NUMBERS:
        return arrow.int64()
    return arrow.binary() if name in _BYTES else arrow.string()


def _arrow() -> ModuleType:
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise L233Error(
            "Parquet needs pyarrow: pip install 'l233[export]', or export with --format csv or jsonl"
        ) from error


_WRITERS: Final[Mapping[Format, Callable[[Path], _Writer]]] = {
    "parquet": _Parquet,
    "csv": _Table,
    "jsonl": _Lines,
}


def leaves_of(folder: Path) -> dict[str, list[bytes]]:
    """Return the leaf hashes of every log of an export."""
    found = {}
    for path in sorted((folder / LEAVES).glob("*.bin")):
        topic, _, number = path.stem.rpartition("-")
        content = path.read_bytes()
        found[log_name(topic, int(number))] = [
            content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)
        ]
    return found


def rows_of(folder: Path, topics: Sequence[str]) -> Iterator[Row]:
    """Return the rows of sealed topics of an export in Parquet, in the order of each log."""
    _arrow()
    parquet: Any = import_module("pyarrow.parquet")
    for topic in topics:
        for path in sorted((folder / topic).glob("*.parquet")):
            for batch in parquet.ParquetFile(path).iter_batches():
                for cells in batch.to_pylist():
                    yield _row(cells)


def _row(cells: Mapping[str, Any]) -> Row:
    headers = tuple(
        (name, None if value is None else base64.b64decode(value))
        for name, value in json.loads(cells["headers"])
    )
    leaf = cells["leaf_hash"]
    return Row(
        cells["topic"],
        cells["partition"],
        cells["offset"],
        cells["timestamp"],
        cells["key"],
        cells["value"],
        headers,
        cells["leaf_index"],
        None if leaf is None else bytes.fromhex(leaf),
        cells["day"],
        {column: cells[column] for column in LEDGER_HEADERS},
        cells["subject"],
        cells["belongs"],
        cells["said"],
    )


LEDGER: Final = """\
-- The conservation ledger, from the export alone: cd FOLDER && duckdb < ledger.sql
-- received = routed + duplicates + dead letters + rekeyed, and a residual of 0; an input record that ended
-- nowhere, or in two places, is a residual. What began before the period or ended after it is one too.
with arrived as (
    select "partition" || '/' || "offset" as place, * from 'l233.events/*.parquet'
),
ended as (
    select input as place, 'routed' as outcome from 'l233.decisions/*.parquet'
    union all
    select input, 'duplicates' from 'l233.receipts/*.parquet' where outcome = 'duplicate'
    union all
    select input, 'dead_letters' from 'l233.dead-letters/*.parquet' where source = 'urn:l233:intake'
),
put_back as (
    -- A record that says it was put back is believed only if its original needed it, word for word.
    select distinct original.place
    from arrived as claim
    join arrived as original on original.place = claim.rekeyed
    where claim.subject is not null
      and original.said = claim.said
      and (original.key is distinct from encode(claim.subject) or original."partition" <> claim.belongs)
),
counted as (
    select
        place,
        count(*) filter (outcome = 'routed') as routed,
        count(*) filter (outcome = 'duplicates') as duplicates,
        count(*) filter (outcome = 'dead_letters') as dead_letters
    from ended
    group by place
),
balanced as (
    select
        coalesce(arrived.day, 'elsewhere') as day,
        (arrived.place is not null)::int as received,
        coalesce(routed, 0) as routed,
        coalesce(duplicates, 0) as duplicates,
        coalesce(dead_letters, 0) as dead_letters,
        (put_back.place is not null)::int as rekeyed
    from arrived
    full join counted on counted.place = arrived.place
    left join put_back on put_back.place = arrived.place
)
select
    coalesce(day, 'total') as day,
    sum(received)::bigint as received,
    sum(routed)::bigint as routed,
    sum(duplicates)::bigint as duplicates,
    sum(dead_letters)::bigint as dead_letters,
    sum(rekeyed)::bigint as rekeyed,
    count(*) filter (received = 0 or routed + duplicates + dead_letters + rekeyed <> 1) as residual
from balanced
group by rollup (day)
order by day is null, 1;
"""


def check(folder: Path, sealed: Sequence[str], trusted: Keys) -> list[Finding]:
    """Return what shows that an export in Parquet is not as it was sealed. Raises BadInput for no export."""
    try:
        leaves, signed = leaves_of(folder), checkpoints_of(folder)
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder} is no export that `l233 audit export` wrote: {error}") from error
    found = [
        finding
        for log, known in leaves.items()
        for finding in check_leaves(
            log, known, [one for one in signed if one.checkpoint.log == log], trusted, COSIGNERS
        )
    ]
    rows = sorted(rows_of(folder, sealed), key=lambda row: (row.topic, row.partition, row.day, row.offset))
    return [*found, *check_rows(rows, leaves)]
