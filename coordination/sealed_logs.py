"""Decides whether a log is as it was sealed: every root, every signature, nothing gone, nothing unsealed.

What is wrong is told with its place: the log, the entries among which it lies, the checkpoint that shows it.
A checkpoint names one root over all entries, so a change is placed between two checkpoints, seconds apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, Protocol

from coordination.merkle import Growth, leaf_hash
from coordination.sealing import Keys, Sealable, check_seals, entry_bytes, goes_on
from schemas.audit import Checkpoint, Seal, SealedCheckpoint

Flaw = Literal["altered", "cut", "fork", "signature", "unsealed", "unreadable", "pinned"]
"""What is wrong: other entries, some gone, another past, who signed or for how long nobody did, what is no
checkpoint, what is not as somebody kept it."""
_SHOWN: Final = 20
"""Findings of one log that are told: one cause often has many."""


class Placed(NamedTuple):
    """A checkpoint, and its offset on the topic of checkpoints."""

    offset: int
    sealed: SealedCheckpoint


class Timed(Sealable, Protocol):
    """A record with the time at which Kafka took it."""

    @property
    def timestamp(self) -> int: ...  # noqa: D102  milliseconds since the epoch


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is wrong with a log. Entries are counted from 0, `last` is one of them."""

    log: str
    flaw: Flaw
    message: str
    first: int | None = None
    last: int | None = None
    offset: int | None = None
    """Of the first of these entries, in the log's partition."""
    checkpoint: int | None = None
    """Offset on the topic of checkpoints of the one that shows it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a log: its entries, how many are sealed by all who must sign, and what is wrong."""

    log: str
    entries: int
    sealed: int
    checkpoints: int
    wrong: tuple[Wrong, ...]
    first: int = 0
    """The first entry that was looked at: those before it are gone."""


def headless(log: str, first: int) -> Checked:
    """Return what is found of a log whose first records are gone, when no kept checkpoint helps."""
    message = (
        f"{log}: the records before offset {first} are gone: give with --pinned a checkpoint that was kept "
        "later than they came"
    )
    return Checked(log, 0, 0, 0, (Wrong(log, "cut", message, offset=first),))


@dataclass(frozen=True, slots=True)
class Asked:
    """What counts: whose keys, how many organisms beside the audit, and how old unsealed entries may be."""

    trusted: Keys
    cosigners: int
    now_ms: int
    unsealed_ms: float


class Beginning(NamedTuple):
    """Where a log whose first records are gone is looked at from: a checkpoint that somebody kept."""

    kept: Checkpoint
    growth: Growth
    """The log as it was then."""


def beginning(kept: Iterable[Checkpoint], checkpoints: Iterable[Placed], first: int) -> Beginning | None:
    """Return the earliest of the kept checkpoints of a log from which all records are still there, if any.

    The log is taken from the proof of the checkpoint that goes on from it. `first` is the offset at which
    the log begins now.
    """
    for point in sorted(kept, key=lambda one: one.size):
        if point.end < first:
            continue
        for _, sealed in checkpoints:
            if sealed.checkpoint.size > point.size > 0 and not goes_on(point, sealed, ""):
                proof = [bytes.fromhex(step) for step in sealed.consistency]
                root = bytes.fromhex(point.root)
                return Beginning(point, Growth.before(point.size, root, sealed.checkpoint.size, proof))
    return None


@dataclass(slots=True)
class LogCheck:
    """Takes the records of a log in order, and says whether they are what its checkpoints sealed."""

    log: str
    checkpoints: Sequence[Placed]
    """In the order of their topic; the audit's own, and the same as the witness signed them too."""
    asked: Asked
    pinned: Sequence[Checkpoint] = ()
    """Checkpoints of this log that somebody kept."""
    begins: Beginning | None = None
    """Of a log whose first records are gone: what is older counts as looked at when it was kept."""
    _growth: Growth = field(default_factory=Growth)
    _end: int = 0
    _wrong: list[Wrong] = field(default_factory=list)
    _chain: list[Placed] = field(default_factory=list)
    _due: dict[int, list[tuple[int | None, Checkpoint]]] = field(default_factory=dict)
    _good: int = 0
    """How many entries are as a checkpoint has them; what is not lies behind."""
    _after_good: int = 0
    _broken: bool = False
    _first_unsealed: int | None = None
    _sealed: int = 0

    def __post_init__(self) -> None:
        """Look at the checkpoints by themselves: who signed, and whether each goes on from the one before."""
        before = Checkpoint(self.log, 0, "", "", 0)
        if self.begins is not None:
            before, self._growth = self.begins
            self._end = self._after_good = before.end
            self._good = self._sealed = before.size
        since = before.size
        self._chain = [one for one in _distinct(self.checkpoints) if one.sealed.checkpoint.size > since]
        self._look_at_seals()
        for offset, sealed in self._chain:
            for finding in goes_on(before, sealed, ""):
                self._add("fork", finding.message, before.size, sealed.checkpoint.size - 1, offset)
            before = sealed.checkpoint
            self._due.setdefault(before.size, []).append((offset, before))
        for kept in self.pinned:
            if kept.size < since:
                continue  # the records that would tell are gone
            self._due.setdefault(kept.size, []).append((None, kept))
        self._compare()

    def take(self, record: Timed) -> None:
        """Take the next record of the log."""
        if self.begins is not None and record.offset < self.begins.kept.end:
            return
        if self._growth.size == self._good:
            self._after_good = record.offset
        if self._growth.size == self._sealed:
            self._first_unsealed = record.timestamp
        self._growth = self._growth.with_leaf(leaf_hash(entry_bytes(record)))
        self._end = record.offset + 1
        self._compare()

    def checked(self) -> Checked:
        """Return what was found, once every record was taken."""
        size = self._growth.size
        for wanted in sorted(self._due):
            if wanted > size and not self._broken:
                offset, point = self._due[wanted][0]
                self._broken = True
                self._add(
                    "pinned" if offset is None else "cut",
                    f"has {size} entries, and had {wanted} when a checkpoint was signed at {point.at}",
                    self._good,
                    wanted - 1,
                    offset,
                )
        since, asked = self._first_unsealed, self.asked
        if size > self._sealed and since is not None and asked.now_ms - since > asked.unsealed_ms:
            seconds = (asked.now_ms - since) / 1000
            message = f"{size - self._sealed} entries are not sealed, the oldest since {seconds:.0f} s"
            self._add("unsealed", message, self._sealed, size - 1, None)
        shown = tuple(self._wrong[:_SHOWN])
        first = 0 if self.begins is None else self.begins.kept.size
        return Checked(self.log, size, min(self._sealed, size), len(self._chain), shown, first)

    def _look_at_seals(self) -> None:
        """Know how far the log is sealed by all who must sign; what they have not signed yet may be young."""
        for offset, sealed in self._chain:
            found = check_seals(sealed, self.asked.trusted, self.asked.cosigners, "")
            if not found:
                self._sealed = max(self._sealed, sealed.checkpoint.size)
            for finding in found:
                if finding.fault != "cosigners":
                    self._add("signature", finding.message, None, sealed.checkpoint.size - 1, offset)

    def _compare(self) -> None:
        """Compare the log so far with the checkpoints of its size; behind one that differs none can fit."""
        size = self._growth.size
        due = self._due.get(size)
        if due is None or self._broken:
            return
        root = self._growth.root().hex()
        for offset, point in due:
            if (point.root, point.end) != (root, self._end):
                self._broken = True
                flaw: Flaw = "pinned" if offset is None else "altered"
                what = "were signed" if offset is not None else "somebody kept them"
                message = f"the entries are not those that {what} at {point.at}"
                self._add(flaw, message, self._good, size - 1, offset)
        if not self._broken:
            self._good = size

    def _add(self, flaw: Flaw, message: str, first: int | None, last: int, checkpoint: int | None) -> None:
        offset = self._after_good if first is not None and first == self._good else None
        self._wrong.append(Wrong(self.log, flaw, f"{self.log}: {message}", first, last, offset, checkpoint))


def _distinct(checkpoints: Iterable[Placed]) -> list[Placed]:
    """Return each checkpoint once, with the signatures of all of its copies."""
    found: dict[tuple[Checkpoint, int, tuple[str, ...]], Placed] = {}
    for offset, sealed in checkpoints:
        key = sealed.checkpoint, sealed.before, sealed.consistency
        known = found.get(key)
        seals: Mapping[Seal, None] = dict.fromkeys((*(known.sealed.seals if known else ()), *sealed.seals))
        first = known.offset if known else offset
        found[key] = Placed(first, replace(sealed, seals=tuple(seals)))
    return list(found.values())
