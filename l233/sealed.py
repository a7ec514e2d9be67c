"""The sealed logs as the topics tell them: read from the outside, for `l233 audit`."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from coordination.merkle import Tree, leaf_hash
from coordination.sealed_logs import Asked, Checked, LogCheck, Placed, Wrong, beginning, headless
from coordination.sealing import Keys, check_seals, entry_bytes, log_name, told
from l233.errors import BadInput, L233Error
from schemas.audit import CHECKPOINT, PROOF_FORMAT, Checkpoint, Proof, ProvenEntry, SealedCheckpoint
from schemas.topics import CHECKPOINTS
from streaming.client import Connection
from streaming.reading import Place, Reader, reader
from streaming.records import Record

COSIGNERS: Final = 1
_KEPT: Final = TypeAdapter(Checkpoint)
_CASE: Final = "ce_correlationid"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of every log."""

    logs: tuple[Checked, ...]

    @property
    def wrong(self) -> tuple[Wrong, ...]:
        """Everything that is wrong, log by log."""
        return tuple(one for log in self.logs for one in log.wrong)


def read_kept(paths: Iterable[Path]) -> list[Checkpoint]:
    """Read the checkpoints that somebody kept: one in a file, or one a line. Raises BadInput."""
    return [point for path in paths for point in _kept_in(path)]


def _kept_in(path: Path) -> list[Checkpoint]:
    try:
        text = path.read_bytes()
        try:
            return [_kept(text)]
        except ValidationError:
            lines = text.splitlines()
            if len(lines) <= 1:
                raise
            return [_kept(line) for line in lines]
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise BadInput(
            f"{path} holds no checkpoint: keep one that `l233 audit checkpoints` printed"
        ) from error


def _kept(text: bytes) -> Checkpoint:
    """Return a checkpoint alone, or as its topic has it. Raises ValidationError."""
    try:
        return CHECKPOINT.validate_json(text).checkpoint
    except ValidationError:
        return _KEPT.validate_json(text)


async def checkpoints(source: Reader) -> tuple[dict[str, list[Placed]], list[Wrong]]:
    """Return the checkpoints of every log, in the order of their topic; and the records that are none."""
    found: defaultdict[str, list[Placed]] = defaultdict(list)
    wrong: list[Wrong] = []
    async for batch in source.read_as_written(await source.ends(await source.places([CHECKPOINTS]))):
        for record in batch:
            placed = _placed(record)
            if placed is None:
                log = log_name(CHECKPOINTS, record.partition)
                message = f"{log}: the record at {record.offset} is no checkpoint of a log of this partition"
                wrong.append(Wrong(log, "unreadable", message, checkpoint=record.offset))
            else:
                found[placed.sealed.checkpoint.log].append(placed)
    return dict(found), wrong


def _placed(record: Record) -> Placed | None:
    try:
        sealed = CHECKPOINT.validate_json(record.value or b"")
    except ValidationError:
        return None
    number = sealed.checkpoint.log.rpartition("/")[2]
    return Placed(record.offset, sealed) if number == str(record.partition) else None


async def verify(
    connection: Connection,
    topics: Sequence[str],
    trusted: Keys,
    unsealed_seconds: float,
    pinned: Sequence[Checkpoint] = (),
) -> Verified:
    """Check every log of these topics against its checkpoints. Raises KafkaError, TopicMissingError."""
    async with reader(connection) as source:
        known, wrong = await checkpoints(source)  # first: what they tell of is there when the logs are read
        places = await source.places(topics)
        asked = Asked(trusted, COSIGNERS, time.time_ns() // 1_000_000, unsealed_seconds * 1000)
        checks: dict[Place, LogCheck] = {}
        found: list[Checked] = []
        for place, first in sorted((await source.beginnings(places)).items()):
            log = log_name(*place)
            points, kept = known.pop(log, []), [one for one in pinned if one.log == log]
            begins = beginning(kept, points, first) if first else None
            if first and begins is None:
                found.append(headless(log, first))
            else:
                checks[place] = LogCheck(log, points, asked, kept, begins)
        async for batch in source.read_as_written(await source.ends(checks)):
            check = checks[batch[0].topic, batch[0].partition]
            for record in batch:
                check.take(record)
    found += [check.checked() for check in checks.values()]
    strangers = [Wrong(log, "unreadable", f"{log}: has checkpoints, and is no sealed log") for log in known]
    strangers += [
        Wrong(kept.log, "pinned", f"{kept.log}: somebody kept a checkpoint of it, and it is not there")
        for kept in pinned
        if kept.log not in {one.log for one in found}
    ]
    beside = Checked(CHECKPOINTS, 0, 0, 0, (*wrong, *strangers))
    return Verified((*found, *([beside] if beside.wrong else [])))


def as_json(found: Verified) -> dict[str, object]:
    """Return the public object of `l233 audit verify --json`."""
    return {
        "entries": sum(log.entries for log in found.logs),
        "sealed": sum(log.sealed for log in found.logs),
        "checkpoints": sum(log.checkpoints for log in found.logs),
        "logs": [
            {
                "log": one.log,
                "first": one.first,
                "entries": one.entries,
                "sealed": one.sealed,
                "checkpoints": one.checkpoints,
            }
            for one in found.logs
        ],
        "wrong": [asdict(one) for one in found.wrong],
    }


async def latest(connection: Connection, trusted: Keys) -> list[SealedCheckpoint]:
    """Return the last checkpoint of every log that all who must have signed: what one keeps."""
    async with reader(connection) as source:
        known, _ = await checkpoints(source)
    found = [_last_signed(placed, trusted) for _, placed in sorted(known.items())]
    return [one for one in found if one is not None]


def _last_signed(placed: Iterable[Placed], trusted: Keys) -> SealedCheckpoint | None:
    good = [one.sealed for one in placed if not check_seals(one.sealed, trusted, COSIGNERS, "")]
    return max(good, key=lambda one: one.checkpoint.size, default=None)


async def prove(
    connection: Connection,
    topics: Sequence[str],
    case: str,
    trusted: Keys,
    pinned: Sequence[Checkpoint] = (),
) -> Proof:
    """Return the proof that the records of a case stand in the sealed logs.

    Raises L233Error for a case of which nothing is there, or not sealed yet, and for a kept checkpoint that
    is newer than the log; KafkaError, TopicMissingError.
    """
    leaves: defaultdict[Place, list[bytes]] = defaultdict(list)
    wanted: list[tuple[Place, int, Record]] = []
    name = (_CASE, case.encode())
    async with reader(connection) as source:
        places = await source.places(topics)
        gone = [log_name(*place) for place, first in (await source.beginnings(places)).items() if first]
        if gone:
            raise L233Error(
                f"the first records of {', '.join(gone)} are gone: a path to a root needs all of a log; "
                "prove a case while they are there"
            )
        async for batch in source.read_as_written(await source.ends(places)):
            place = batch[0].topic, batch[0].partition
            hashes = leaves[place]
            for record in batch:
                if name in record.headers:
                    wanted.append((place, len(hashes), record))
                hashes.append(leaf_hash(entry_bytes(record)))
        known, _ = await checkpoints(source)
    if not wanted:
        raise L233Error(f"no record of case {case} is on {', '.join(topics)}: look for it with `l233 trace`")
    logs = sorted({place for place, _, _ in wanted})
    trees = {place: Tree(leaves[place]) for place in logs}
    signed = {place: _signed(place, len(leaves[place]), known, trusted) for place in logs}
    entries = []
    for place, index, record in wanted:
        size = signed[place].checkpoint.size
        if index >= size:
            raise L233Error(
                f"a record of case {case} is entry {index} of {log_name(*place)}, of which {size} are "
                "sealed: try again in some seconds; `l233 audit verify` tells whether sealing stands still"
            )
        path = _hex(trees[place].inclusion(index, size))
        entries.append(ProvenEntry(told(record), index, logs.index(place), path))
    kept = {one.log: one for one in pinned}
    chosen = tuple(_from_kept(signed[place], kept.get(log_name(*place)), trees[place]) for place in logs)
    return Proof(PROOF_FORMAT, case, tuple(entries), chosen)


def _signed(
    place: Place, size: int, known: Mapping[str, Sequence[Placed]], trusted: Keys
) -> SealedCheckpoint:
    """Return the last checkpoint of a log among those that do not reach beyond what was read."""
    log = log_name(*place)
    placed = [one for one in known.get(log, ()) if one.sealed.checkpoint.size <= size]
    found = _last_signed(placed, trusted)
    if found is None:
        raise L233Error(f"{log} has no checkpoint that audit and an organism have signed: see that both run")
    return found


def _from_kept(sealed: SealedCheckpoint, kept: Checkpoint | None, tree: Tree) -> SealedCheckpoint:
    """Return a checkpoint with the proof that its log goes on from the one that was kept."""
    if kept is None:
        return sealed
    size = sealed.checkpoint.size
    if not 0 < kept.size <= size:
        raise L233Error(f"the checkpoint you kept has {kept.size} entries of {kept.log}, the log has {size}")
    return replace(sealed, before=kept.size, consistency=_hex(tree.consistency(kept.size, size)))


def _hex(steps: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(step.hex() for step in steps)
