"""Decides whether an export is still as it was sealed, from its own files alone."""

from collections.abc import Sequence
from pathlib import Path

from coordination.exported import check_leaves, check_rows
from coordination.merkle import HASH_BYTES
from coordination.sealing import Finding, Keys, log_name
from l233.errors import BadInput
from l233.export_files import rows_of
from l233.exporting import CHECKPOINTS_FILE, LEAVES
from l233.sealed import COSIGNERS
from schemas.audit import CHECKPOINT, SealedCheckpoint


def check(folder: Path, sealed: Sequence[str], trusted: Keys) -> list[Finding]:
    """Return what shows that an export in Parquet is not as it was sealed. Raises BadInput for no export."""
    try:
        leaves, signed = _leaves(folder), _checkpoints(folder)
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


def _leaves(folder: Path) -> dict[str, list[bytes]]:
    """Return the leaf hashes of every log of an export."""
    found = {}
    for path in sorted((folder / LEAVES).glob("*.bin")):
        topic, _, number = path.stem.rpartition("-")
        content = path.read_bytes()
        found[log_name(topic, int(number))] = [
            content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)
        ]
    return found


def _checkpoints(folder: Path) -> list[SealedCheckpoint]:
    """Return the checkpoints of an export."""
    return [CHECKPOINT.validate_json(line) for line in (folder / CHECKPOINTS_FILE).read_bytes().splitlines()]
