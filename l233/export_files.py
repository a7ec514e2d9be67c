"""Decides how a row of an export lies in a file, in each format, and reads it back from Parquet."""

import base64
import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, Protocol

from coordination.exported import LEDGER_HEADERS, Row
from l233.errors import L233Error

Format = Literal["parquet", "csv", "jsonl"]
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


class _Writer(Protocol):
    """Writes rows of one file."""

    def write(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what waits and close the file."""


class Files:
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
        pyarrow = arrow()
        self._table: Any = pyarrow.Table
        self._schema: Any = pyarrow.schema([(name, _type(pyarrow, name)) for name in _COLUMNS])
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


def _type(pyarrow: Any, name: str) -> object:  # noqa: ANN401  a module without types
    if name in _NUMBERS:
        return pyarrow.int64()
    return pyarrow.binary() if name in _BYTES else pyarrow.string()


def arrow() -> ModuleType:
    """Return pyarrow. Raises L233Error where it is not installed."""
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


def rows_of(folder: Path, topics: Sequence[str]) -> Iterator[Row]:
    """Return the rows of sealed topics of an export in Parquet, in the order of each log."""
    arrow()
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
