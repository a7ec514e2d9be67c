"""Decides what a sealed log proves: hashes, roots, inclusion and consistency of a Merkle tree.

Hashing and proofs are those of RFC 9162 (Certificate Transparency 2.0, section 2.1) with SHA-256: a leaf is
hashed behind a zero byte, a node behind a one, so that neither can pass for the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple, Self

HASH_BYTES: Final = 32
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_NODE_PLACE: Final = Struct(">BQ")
EMPTY_ROOT: Final = sha256().digest()
"""The root of a log without entries."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry of the log."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return sha256(_NODE + left + right).digest()


class Node(NamedTuple):
    """A full subtree: the `number`-th over 2**`level` leaves."""

    level: int
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What must be kept of a log to go on with it, and to prove that it goes on from a size it had.

    `sealed` is that size. `nodes` are the largest full subtrees, from left to right, none of which reaches
    across it: of a log of a thousand million entries at most ninety.
    """

    sealed: int = 0
    nodes: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return (self.nodes[-1].number + 1) << self.nodes[-1].level if self.nodes else 0

    def with_leaf(self, leaf: bytes) -> Self:
        """Return the log once a leaf (its hash) follows."""
        return type(self)(self.sealed, self._grown(Node(0, self.size, leaf), self.nodes, self.sealed))

    def at_rest(self) -> Self:
        """Return the log as sealed at the size that it has."""
        nodes: tuple[Node, ...] = ()
        for node in self.nodes:
            nodes = self._grown(node, nodes, 0)
        return type(self)(self.size, nodes)

    @staticmethod
    def _grown(node: Node, nodes: tuple[Node, ...], border: int) -> tuple[Node, ...]:
        """Add a subtree on the right; two that are halves of one become one, unless `border` is between."""
        left = len(nodes)
        while left and node.number & 1 and nodes[left - 1].level == node.level:
            if node.number << node.level == border:
                break
            left -= 1
            node = Node(node.level + 1, node.number >> 1, node_hash(nodes[left].hash, node.hash))
        return (*nodes[:left], node)

    def root(self) -> bytes:
        """Return the root of the log so far."""
        return self._over(0, self.size) if self.nodes else EMPTY_ROOT

    def consistency(self) -> list[bytes]:
        """Return the proof that the log goes on from the size it was sealed at: RFC 9162, 2.1.4.1.

        Empty when it was never sealed, or has not grown since.
        """
        if self.sealed in {0, self.size}:
            return []
        return list(_subproof(self.sealed, 0, self.size, self._over, whole=True))

    @classmethod
    def before(cls, old: int, old_root: bytes, new: int, proof: Sequence[bytes]) -> Self:
        """Return the log of `old` entries as a proof shows it that it goes on to `new`: 2.1.4.1.

        The proof names the subtrees that the log consisted of, so it can be gone on with, its leaves unread.
        Raises ValueError for a proof that does not lead to its root.
        """
        if not 0 < old < new:
            raise ValueError(f"no proof leads from {old} entries to {new}")
        steps = iter(proof)
        try:
            found = cls(0, tuple(_beginning(old, 0, new, steps, old_root)))
        except StopIteration:
            raise ValueError("the proof is too short") from None
        if next(steps, None) is not None or found.root() != old_root:
            raise ValueError("the proof does not lead to the root")
        return found

    def _over(self, start: int, end: int) -> bytes:
        """Return the root over the leaves from `start` to before `end`."""
        for node in self.nodes:
            if node.number << node.level == start and (node.number + 1) << node.level == end:
                return node.hash
        split = start + _split(end - start)
        return node_hash(self._over(start, split), self._over(split, end))

    def encode(self) -> bytes:
        """Return the log as bytes, for the state store."""
        return self.sealed.to_bytes(8, "big") + b"".join(
            [_NODE_PLACE.pack(level, number) + found for level, number, found in self.nodes]
        )

    @classmethod
    def decode(cls, kept: bytes) -> Self:
        """Return the log that `encode` wrote."""
        nodes = (kept[at : at + 9 + HASH_BYTES] for at in range(8, len(kept), 9 + HASH_BYTES))
        return cls(
            int.from_bytes(kept[:8], "big"),
            tuple(Node(node[0], int.from_bytes(node[1:9], "big"), node[9:]) for node in nodes),
        )


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    log = Growth()
    for leaf in leaves:
        log = log.with_leaf(leaf)
    return log.root()


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
        return list(_subproof(old, 0, new, self._over, whole=True))

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


def _subproof(
    old: int, start: int, end: int, over: Callable[[int, int], bytes], *, whole: bool
) -> Iterator[bytes]:
    """Return the hashes that SUBPROOF of RFC 9162, 2.1.4.1 names; `over` gives the root over a range."""
    if old == end:
        if not whole:
            yield over(start, end)
        return
    split = start + _split(end - start)
    if old <= split:
        yield from _subproof(old, start, split, over, whole=whole)
        yield over(split, end)
    else:
        yield from _subproof(old, split, end, over, whole=False)
        yield over(start, split)


def _beginning(old: int, start: int, end: int, steps: Iterator[bytes], root: bytes | None) -> list[Node]:
    """Return the subtrees of a log of `old` entries that the hashes of `_subproof` name, from left to right.

    `root` is that of the range, where no hash names it. Raises StopIteration when there are too few.
    """
    if old == end:
        level = (end - start).bit_length() - 1
        return [Node(level, start >> level, next(steps) if root is None else root)]
    split = start + _split(end - start)
    if old <= split:
        found = _beginning(old, start, split, steps, root)
        next(steps)  # of what came later
        return found
    right = _beginning(old, split, end, steps, None)
    level = (split - start).bit_length() - 1
    return [Node(level, start >> level, next(steps)), *right]


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
