#!/usr/bin/env python3
"""Check a proof that `l233 audit prove` wrote, offline: with Python 3.11 or newer and nothing else.

    python verify_proof.py PROOF --key audit=HEX [--key cnam=HEX ...] [--cosigners N] [--pinned FILE]

A proof holds records of one case as they stand in sealed logs, and for each the path to the root that a
signed checkpoint names. It is good when every record's path leads to its checkpoint's root, when the audit
role and at least N organisms (1 unless told otherwise) have signed each checkpoint with the keys that you
give, and, for a checkpoint that you kept from an earlier day (`--pinned`), when the log only grew since.

What it shows: these very records are in the logs whose checkpoints were signed. What it does not show: that
these are all records of the case, or that what the records say is true.

Exit codes: 0 good; 1 not good, and why; 2 can't be read.

Hashing: SHA-256 as in RFC 9162. Signatures: Ed25519, RFC 8032. Copy this file freely; it depends on nothing
of the project that wrote the proof.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from pathlib import Path

FORMAT = "l233-proof/1"
AUDIT = "audit"


class NotGood(Exception):
    """What the proof does not show, and where."""


class Unreadable(Exception):
    """What can't be read, and where."""


# --- Ed25519, RFC 8032 section 5.1 ---------------------------------------------------------------

P = 2**255 - 19
"""The field."""
L = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point."""
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z."""


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % P, k * m % P, j * k % P, i * m % P


def times(scalar: int, point: Point) -> Point:
    """Return a multiple of a point."""
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(a: Point, b: Point) -> bool:
    """Say whether two points are one."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(text: bytes) -> Point | None:
    """Return the point that 32 bytes encode, None when they encode none."""
    number = int.from_bytes(text, "little")
    odd, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


_BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert _BASE is not None  # noqa: S101  a constant of the curve
BASE: Point = _BASE


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is that of `key` under `message`."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, commitment = point_of(key), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    return same(times(scalar, BASE), add(commitment, times(challenge, public)))


# --- the Merkle log, RFC 9162 section 2.1 --------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Return the root that a path leads to from a leaf, None for a path of a wrong length."""
    node, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def goes_on(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> bool:
    """Say whether a path shows that the log of `new` entries begins with that of `old`."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = [old_root, *path] if old & (old - 1) == 0 else path
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
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


# --- what is sealed and signed -------------------------------------------------------------------

JSON = dict[str, object]


def field(found: object, name: str, kind: type, where: str) -> object:
    """Return a field of a JSON object. Raises Unreadable."""
    if not isinstance(found, dict) or name not in found or type(found[name]) is not kind:
        raise Unreadable(f"{where}/{name}: expected {kind.__name__}")
    return found[name]


def text(found: object, name: str, where: str) -> str:
    """Return a text of a JSON object."""
    value = field(found, name, str, where)
    assert isinstance(value, str)  # noqa: S101  `field` looked
    return value


def number(found: object, name: str, where: str) -> int:
    """Return a number, not negative, of a JSON object."""
    value = field(found, name, int, where)
    bound = 2**31 if name == "partition" else 2**63
    if not isinstance(value, int) or not 0 <= value < bound:
        raise Unreadable(f"{where}/{name}: expected a number from 0 to {bound - 1}")
    return value


def items(found: object, name: str, where: str) -> list[object]:
    """Return a list of a JSON object."""
    value = field(found, name, list, where)
    assert isinstance(value, list)  # noqa: S101  `field` looked
    return value


def from_hex(value: object, length: int, where: str) -> bytes:
    """Return bytes told in lower-case hexadecimal."""
    try:
        found = bytes.fromhex(value) if isinstance(value, str) and value == value.lower() else b""
    except ValueError:
        found = b""
    if len(found) != length or found.hex() != value:
        raise NotGood(f"{where}: expected {length} bytes in lower-case hexadecimal")
    return found


def from_base64(value: object, where: str) -> bytes | None:
    """Return bytes told in base64, in its one writing; None for null."""
    if value is None:
        return None
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        found = None
    if found is None or base64.b64encode(found).decode() != value:
        raise NotGood(f"{where}: expected base64")
    return found


def entry_bytes(entry: object, where: str) -> bytes:
    """Return the bytes of an entry: partition and offset, then each part behind its length (-1: none)."""
    parts = [
        text(entry, "topic", where).encode(),
        from_base64(entry.get("key") if isinstance(entry, dict) else None, f"{where}/key"),
        from_base64(entry.get("value") if isinstance(entry, dict) else None, f"{where}/value"),
    ]
    for at, pair in enumerate(items(entry, "headers", where)):
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise Unreadable(f"{where}/headers/{at}: expected a name and a value")
        parts += [pair[0].encode(), from_base64(pair[1], f"{where}/headers/{at}")]
    place = number(entry, "partition", where).to_bytes(4, "big") + number(entry, "offset", where).to_bytes(
        8, "big"
    )
    return place + b"".join(
        (-1).to_bytes(4, "big", signed=True) if part is None else len(part).to_bytes(4, "big") + part
        for part in parts
    )


def statement(checkpoint: object, where: str) -> bytes:
    """Return the bytes that are signed of a checkpoint: canonical JSON behind a prefix."""
    said = {
        "at": text(checkpoint, "at", where),
        "end": number(checkpoint, "end", where),
        "log": text(checkpoint, "log", where),
        "root": text(checkpoint, "root", where),
        "size": number(checkpoint, "size", where),
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return b"l233 checkpoint, version 1\0" + canonical.encode()


# --- the check -----------------------------------------------------------------------------------


def check_checkpoint(sealed: object, keys: dict[str, set[str]], cosigners: int, where: str) -> None:
    """Raise NotGood unless a checkpoint is signed by the audit role and enough organisms."""
    said = statement(field(sealed, "checkpoint", dict, where), f"{where}/checkpoint")
    good: set[str] = set()
    for at, seal in enumerate(items(sealed, "seals", where)):
        place = f"{where}/seals/{at}"
        by = text(seal, "by", place)
        key = from_hex(text(seal, "key", place), 32, f"{place}/key")
        signature = from_hex(text(seal, "signature", place), 64, f"{place}/signature")
        if not signed(key, said, signature):
            raise NotGood(f"{place}: the signature of {by} is not under this checkpoint")
        if key.hex() in keys.get(by, ()):
            good.add(by)
    if AUDIT not in good:
        raise NotGood(f"{where}/seals: the audit role has not signed with the key you gave")
    if len(good) - 1 < cosigners:
        raise NotGood(
            f"{where}/seals: {len(good) - 1} of {cosigners} organisms have signed with keys you gave"
        )


def check(proof: object, keys: dict[str, set[str]], cosigners: int) -> list[str]:
    """Return a line on each record that is proven. Raises NotGood, Unreadable."""
    if text(proof, "format", "") != FORMAT:
        raise Unreadable(f"/format: expected {FORMAT}")
    checkpoints = items(proof, "checkpoints", "")
    for at, sealed in enumerate(checkpoints):
        check_checkpoint(sealed, keys, cosigners, f"/checkpoints/{at}")
    lines = []
    for at, proven in enumerate(items(proof, "entries", "")):
        where = f"/entries/{at}"
        named = number(proven, "checkpoint", where)
        if named >= len(checkpoints):
            raise NotGood(f"{where}/checkpoint: names no checkpoint of the proof")
        point = field(checkpoints[named], "checkpoint", dict, f"/checkpoints/{named}")
        entry = field(proven, "entry", dict, where)
        log = f"{text(entry, 'topic', where)}/{number(entry, 'partition', where)}"
        if text(point, "log", where) != log:
            raise NotGood(f"{where}/checkpoint: is of another log than {log}")
        path = [from_hex(step, 32, f"{where}/path") for step in items(proven, "path", where)]
        leaf = leaf_hash(entry_bytes(entry, f"{where}/entry"))
        index, size = number(proven, "index", where), number(point, "size", where)
        root = from_hex(text(point, "root", where), 32, f"/checkpoints/{named}/checkpoint/root")
        if index >= size or root_from(leaf, index, size, path) != root:
            raise NotGood(f"{where}/path: the record is not entry {index} of {log} as it was sealed")
        lines.append(f"entry {index} of {log}, sealed at {text(point, 'at', where)} among {size}")
    if not lines:
        raise NotGood("/entries: a proof of nothing")
    return lines


def check_pinned(pinned: object, proof: object) -> None:
    """Raise NotGood when a checkpoint kept from an earlier day is not the past of one in the proof."""
    old = (
        field(pinned, "checkpoint", dict, "pinned")
        if isinstance(pinned, dict) and "checkpoint" in pinned
        else pinned
    )
    log, size = text(old, "log", "pinned"), number(old, "size", "pinned")
    root = from_hex(text(old, "root", "pinned"), 32, "pinned/root")
    logs = [text(field(one, "checkpoint", dict, ""), "log", "") for one in items(proof, "checkpoints", "")]
    if log not in logs:
        raise NotGood(f"/checkpoints: none is of {log}, of which you kept a checkpoint")
    for at, sealed in enumerate(items(proof, "checkpoints", "")):
        where = f"/checkpoints/{at}"
        new = field(sealed, "checkpoint", dict, where)
        if text(new, "log", where) != log:
            continue
        new_size, new_root = (
            number(new, "size", where),
            from_hex(text(new, "root", where), 32, f"{where}/root"),
        )
        if new_size < size:
            raise NotGood(f"{where}: is older ({new_size} entries) than the checkpoint you kept ({size})")
        if new_size == size:
            if new_root != root:
                raise NotGood(f"{where}: another root than the checkpoint you kept of the same size: a fork")
            continue
        path = [from_hex(step, 32, f"{where}/consistency") for step in items(sealed, "consistency", where)]
        if number(sealed, "before", where) != size:
            raise NotGood(f"{where}: tells how it goes on from another size than the checkpoint you kept has")
        if not goes_on(size, root, new_size, new_root, path):
            raise NotGood(f"{where}: does not go on from the checkpoint you kept: a fork")


def read(file: Path) -> object:
    """Return the JSON of a file. Raises Unreadable."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{file}: {error}") from error


def main() -> int:
    """Check the proof that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Check a proof of l233, offline.")
    parser.add_argument("proof", type=Path)
    parser.add_argument("--key", action="append", default=[], metavar="WHO=HEX", help="a key that you trust")
    parser.add_argument("--cosigners", type=int, default=1, help="organisms that must have signed")
    parser.add_argument("--pinned", type=Path, action="append", default=[], help="a checkpoint you kept")
    asked = parser.parse_args()
    keys: dict[str, set[str]] = {}
    for one in asked.key:
        who, _, key = one.partition("=")
        keys.setdefault(who, set()).add(key.lower())
    try:
        proof = read(asked.proof)
        lines = check(proof, keys, asked.cosigners)
        for pinned in asked.pinned:
            check_pinned(read(pinned), proof)
    except NotGood as error:
        print(f"NOT GOOD: {error}")
        return 1
    except Unreadable as error:
        print(f"can't be read: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    print(f"good: {len(lines)} records of case {text(proof, 'case', '')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
