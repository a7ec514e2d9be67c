"""Decides what a sealed log proves: hashes, roots, inclusion and consistency of a Merkle tree.

Hashing and proofs are those of RFC 9162 (Certificate Transparency 2.0, section 2.1) with SHA-256: a leaf is
hashed behind a zero byte, a node behind a one, so that neither can pass for the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

HASH_BYTES: Final = 32
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
EMPTY_ROOT: Final = sha256().digest()
"""The root of a log without entries."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry of the log."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be kept of a log in order to go on: its size, and the roots of its full subtrees.

    `peaks` stand largest subtree first, one for every bit that is set in `size`: a log of a thousand million
    entries keeps at most thirty.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def with_leaf(self, leaf: bytes) -> Self:
        """Return the frontier once a leaf (its hash) follows."""
        peaks, size = [*self.peaks, leaf], self.size
        while size & 1:
            right = peaks.pop()
            peaks.append(node_hash(peaks.pop(), right))
            size >>= 1
        return type(self)(self.size + 1, tuple(peaks))

    def root(self) -> bytes:
        """Return the root of the log so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def encode(self) -> bytes:
        """Return the frontier as bytes, for the state store."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def decode(cls, kept: bytes) -> Self:
        """Return the frontier that `encode` wrote."""
        peaks = tuple(kept[at : at + HASH_BYTES] for at in range(8, len(kept), HASH_BYTES))
        return cls(int.from_bytes(kept[:8], "big"), peaks)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.with_leaf(leaf)
    return frontier.root()


class Tree:
    """A log of which every leaf hash is at hand, to make proofs from; subtrees are hashed once."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels: Final[list[list[bytes]]] = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            self._levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])

    def root(self, size: int) -> bytes:
        """Return the root that the log had at a size."""
        return EMPTY_ROOT if size == 0 else self._over(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that the leaf `index` is in the log of `size` entries: RFC 9162, 2.1.3.1.

        Raises ValueError for an index outside of it.
        """
        if not 0 <= index < size <= len(self._levels[0]):
            raise ValueError(f"no entry {index} in a log of {size}")
        return list(self._path(index, 0, size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of `old` entries is the beginning of that of `new`: 2.1.4.1.

        Raises ValueError unless 0 < old <= new <= the size of the log.
        """
        if not 0 < old <= new <= len(self._levels[0]):
            raise ValueError(f"a log of {new} entries does not go on from one of {old}")
        return list(self._subproof(old, 0, new, whole=True))

    def _over(self, start: int, end: int) -> bytes:
        """Return the root over the leaves from `start` to before `end`, a subtree or its right end."""
        count = end - start
        level = (count - 1).bit_length()
        if count == 1 << level:
            return self._levels[level][start >> level]
        split = start + _split(count)
        return node_hash(self._over(start, split), self._over(split, end))

    def _path(self, index: int, start: int, end: int) -> Iterator[bytes]:
        if end - start == 1:
            return
        split = start + _split(end - start)
        if index < split:
            yield from self._path(index, start, split)
            yield self._over(split, end)
        else:
            yield from self._path(index, split, end)
            yield self._over(start, split)

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> Iterator[bytes]:
        if old == end:
            if not whole:
                yield self._over(start, end)
            return
        split = start + _split(end - start)
        if old <= split:
            yield from self._subproof(old, start, split, whole=whole)
            yield self._over(split, end)
        else:
            yield from self._subproof(old, split, end, whole=False)
            yield self._over(start, split)


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether a proof shows that a leaf hash stands at `index` under a root: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a proof shows that the log of `new` entries begins with that of `old`: 2.1.4.2."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
