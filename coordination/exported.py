"""Decides what an export tells of a record, and whether an export is as it was sealed.

A row is a record as it stands on its topic, with what the conservation ledger needs of it beside. Rows of
sealed topics name their place in the log and their leaf hash.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from coordination.conservation import Written, said
from coordination.merkle import Tree, leaf_hash
from coordination.partitioning import partition_of
from coordination.sealing import Finding, Keys, check_seals, entry_bytes, log_name
from schemas.audit import SealedCheckpoint
from schemas.envelope import unpack
from schemas.topics import INPUT

LEDGER_HEADERS: Final[Mapping[str, str]] = {
    "type": "ce_type",
    "source": "ce_source",
    "id": "ce_id",
    "case": "ce_correlationid",
    "input": "l233-input",
    "outcome": "l233-outcome",
    "reason": "l233-reason",
    "rekeyed": "l233-rekeyed",
}
"""Column of a row -> the header that it repeats."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record of an export. `day` is that of Kafka's own time, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    leaf_index: int | None
    leaf_hash: bytes | None
    day: str
    named: Mapping[str, str | None]
    """What `LEDGER_HEADERS` names."""
    subject: str | None
    """Of an input record: whose it says it is, where that says it belongs, and a digest of what it says."""
    belongs: int | None
    said: str | None


def row_of(record: Written, partitions: int, leaf_index: int | None, leaf: bytes | None) -> Row:
    """Return what an export tells of a record; `partitions` are those of the input topic."""
    headers = dict(record.headers)
    named = {
        column: None if (found := headers.get(header)) is None else found.decode("utf-8", "replace")
        for column, header in LEDGER_HEADERS.items()
    }
    subject = belongs = digest = None
    if record.topic == INPUT:
        subject, digest = unpack(record.value, record.headers).subject, said(record).hex()
        belongs = None if subject is None else partition_of(subject.encode(), partitions)
    return Row(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
        leaf_index,
        leaf,
        datetime.fromtimestamp(record.timestamp / 1000, UTC).date().isoformat(),
        named,
        subject,
        belongs,
        digest,
    )


def without_content(row: Row) -> Row:
    """Return a row of a worker who was erased: that it came, and what became of it, not what it said."""
    headers = [(name, value) for name, value in row.headers if name in LEDGER_HEADERS.values()]
    return replace(row, value=None, headers=headers, said=None if row.said is None else _ERASED)


_ERASED: Final = "erased"


def check_rows(rows: Iterable[Row], leaves: Mapping[str, Sequence[bytes]]) -> Iterator[Finding]:
    """Tell which rows of sealed topics, given in the order of each log, are not what the log's leaves say.

    A row changed, put in, left out or moved is named: `l233.decisions/2, entry 17`.
    """
    expected: dict[str, int] = {}
    for row in rows:
        log = log_name(row.topic, row.partition)
        known, index = leaves.get(log, ()), row.leaf_index
        where = f"{log}, entry {index}"
        if index is None or row.leaf_hash is None or not 0 <= index < len(known):
            yield Finding(where, "index", f"offset {row.offset} is no entry of the log")
            continue
        if index != expected.get(log, index):
            yield Finding(where, "index", f"stands where entry {expected[log]} should")
        elif leaf_hash(entry_bytes(row)) != known[index] or row.leaf_hash != known[index]:
            yield Finding(where, "entry", f"the record at offset {row.offset} is not what was sealed")
        expected[log] = index + 1


def check_leaves(
    log: str, leaves: Sequence[bytes], checkpoints: Iterable[SealedCheckpoint], trusted: Keys, cosigners: int
) -> Iterator[Finding]:
    """Tell which checkpoints of a log its leaves do not lead to, or are not signed by all who must."""
    tree, sealed = Tree(leaves), False
    for at, one in enumerate(checkpoints):
        where, point = f"{log}, checkpoint {at}", one.checkpoint
        wrong = check_seals(one, trusted, cosigners, where)
        yield from wrong
        if point.log != log or point.size > len(leaves) or tree.root(point.size).hex() != point.root:
            yield Finding(where, "root", f"its root of {point.size} entries is not that of the leaves")
        sealed |= not wrong
    if not sealed:
        yield Finding(log, "checkpoint", "no checkpoint that all who must have signed")
