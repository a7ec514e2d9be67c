"""From which secret the key of each worker comes, so that one worker's can be destroyed and nobody else's.

A puncturable pseudorandom function: a binary tree in which the two children of a node are hashes of it, and
the leaf at the end of a worker's path is his key. To erase him, the nodes on his path are replaced by their
siblings: every other leaf can still be computed, his by nobody. GDPR art. 17.
Source: Goldreich, Goldwasser, Micali 1986; Boneh, Waters 2013 (constrained pseudorandom functions).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self

LEVELS: Final = 64
"""The path of a name is as many bits of its SHA-256: that two of ten million share one: 1 in 400,000."""
ROOT: Final = ""
"""The path of a tree's root: no bits."""
SECRET_BYTES: Final = 32
_FORMAT: Final = 1


class KeyringError(ValueError):
    """A text that is no keyring: the message says what was expected."""


class ErasedError(LookupError):
    """A key that was destroyed: nothing that was written with it can be read any more."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose key was destroyed, when (milliseconds since 1970), and in which tree it was.

    `worker` is a worker's reference, or the id of a dead letter that named no worker.
    """

    worker: str
    at: int
    tree: int


Tree = Mapping[str, bytes]
"""Path (text of 0 and 1) -> secret, of the nodes from which every leaf that is left can be computed."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Trees, numbered from 1. A name has its key in the first tree in which it was not erased."""

    trees: tuple[Tree, ...]
    erasures: tuple[Erasure, ...] = ()

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """Return a new keyring that comes from 32 random bytes."""
        return cls(({ROOT: secret},))

    def tree_of(self, name: str) -> int:
        """Return the number of the tree in which a name has its key now."""
        bits = path_of(name)
        for number, tree in enumerate(self.trees, 1):
            if _above(tree, bits) is not None:
                return number
        raise ErasedError("the last tree has no key for this name: the keyring was not written by l233")

    def key(self, name: str, tree: int) -> bytes:
        """Return the key (32 bytes) of a name in a tree. Raises ErasedError for one that was destroyed."""
        bits = path_of(name)
        found = _above(self.trees[tree - 1], bits) if 0 < tree <= len(self.trees) else None
        if found is None:
            raise ErasedError("this key was destroyed")
        secret = self.trees[tree - 1][found]
        for bit in bits[len(found) :]:
            secret = _child(secret, bit)
        return secret

    def erased(self, worker: str, at: int, fresh: bytes) -> "Keyring":
        """Return the keyring without a worker's key; what comes of him later has one in the next tree.

        Args:
            worker: the worker's reference.
            at: when, in milliseconds since 1970.
            fresh: 32 random bytes, for a new tree if there is no next one.
        """
        number = self.tree_of(worker)
        trees = list(self.trees)
        trees[number - 1] = punctured(trees[number - 1], path_of(worker))
        if number == len(trees):
            trees.append({ROOT: fresh})
        return replace(self, trees=tuple(trees), erasures=(*self.erasures, Erasure(worker, at, number)))


def punctured(tree: Tree, bits: str) -> Tree:
    """Return a tree from which every leaf but one can be computed as before."""
    top = _above(tree, bits)
    if top is None:
        return tree
    nodes = dict(tree)
    secret = nodes.pop(top)
    for depth in range(len(top), LEVELS):
        bit = bits[depth]
        beside = "1" if bit == "0" else "0"
        nodes[bits[:depth] + beside] = _child(secret, beside)
        secret = _child(secret, bit)
    return nodes


def path_of(name: str) -> str:
    """Return the path of a name: 64 bits as text."""
    return f"{int.from_bytes(sha256(name.encode()).digest()[: LEVELS // 8], 'big'):0{LEVELS}b}"


def _child(secret: bytes, bit: str) -> bytes:
    return sha256(secret + (b"\1" if bit == "1" else b"\0")).digest()


def _above(tree: Tree, bits: str) -> str | None:
    """Return the path of the node of which a leaf is under, None when there is none any more."""
    return next((bits[:depth] for depth in range(LEVELS + 1) if bits[:depth] in tree), None)


def write(keyring: Keyring) -> str:
    """Return a keyring as text."""
    return json.dumps(
        {
            "l233_keyring": _FORMAT,
            "trees": [{path: secret.hex() for path, secret in tree.items()} for tree in keyring.trees],
            "erasures": [[one.worker, one.at, one.tree] for one in keyring.erasures],
        }
    )


def read(text: str) -> Keyring:
    """Return the keyring that a text is. Raises KeyringError."""
    try:
        said = json.loads(text)
        form = said["l233_keyring"]
        trees = tuple(
            {path: bytes.fromhex(secret) for path, secret in tree.items()} for tree in said["trees"]
        )
        erasures = tuple(Erasure(str(worker), int(at), int(tree)) for worker, at, tree in said["erasures"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeyringError("is no keyring that `l233 audit keygen` wrote") from error
    if form != _FORMAT:
        raise KeyringError("was written by another version of l233")
    secrets = [secret for tree in trees for secret in tree.values()]
    if not trees or not secrets or any(len(secret) != SECRET_BYTES for secret in secrets):
        raise KeyringError("is no keyring that `l233 audit keygen` wrote")
    return Keyring(trees, erasures)
