"""Sealed records: what a proof shows, and that nothing can be changed in it unnoticed, by either reader."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

import verify_proof
from coordination.merkle import Tree, leaf_hash
from coordination.sealing import check_proof, check_seals, entry_bytes, goes_on, log_name, seal, told
from schemas.audit import PROOF, PROOF_FORMAT, Checkpoint, Proof, ProvenEntry, Seal, SealedCheckpoint
from tests.unit.agents.records import Kept

AUDIT = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
CNAM = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


KEYS = {"audit": {public(AUDIT)}, "cnam": {public(CNAM)}}
ASKED = ["--key", f"audit={public(AUDIT)}", "--key", f"cnam={public(CNAM)}"]


def records(count: int) -> list[Kept]:
    """Return the records of a log: of all shapes that Kafka knows."""
    return [
        Kept(
            "l233.decisions",
            None if at % 7 == 3 else b'{"n":%d}' % at,
            (("ce_id", b"%d" % at), ("ce_id", b"")) if at % 2 else (),
            None if at % 5 == 4 else b"worker:%d" % at,
            2,
            at * 3,
        )
        for at in range(count)
    ]


def checkpoint(log: list[Kept], size: int, before: int = 0) -> SealedCheckpoint:
    tree = Tree([leaf_hash(entry_bytes(record)) for record in log])
    point = Checkpoint(
        log_name("l233.decisions", 2), size, tree.root(size).hex(), "2026-03-02T12:00:00Z", size
    )
    path = tree.consistency(before, size) if before else []
    seals = (seal(point, "audit", AUDIT), seal(point, "cnam", CNAM))
    return SealedCheckpoint(point, before, tuple(step.hex() for step in path), seals)


def proof(count: int = 11, wanted: tuple[int, ...] = (0, 3, 9, 10)) -> Proof:
    log = records(count)
    tree = Tree([leaf_hash(entry_bytes(record)) for record in log])
    entries = tuple(
        ProvenEntry(told(log[at]), at, 0, tuple(step.hex() for step in tree.inclusion(at, count)))
        for at in wanted
    )
    return Proof(PROOF_FORMAT, "case", entries, (checkpoint(log, count, before=4),))


def verdict(proven: object) -> int:
    """Return what the program that stands alone says of a proof: 0, 1 or 2."""
    try:
        verify_proof.check(proven, {name: set(keys) for name, keys in KEYS.items()}, 1)
    except verify_proof.NotGood:
        return 1
    except verify_proof.Unreadable:
        return 2
    return 0


def test_a_proof_holds_for_us_and_for_whoever_has_nothing_of_ours(tmp_path: Path) -> None:
    """The file alone, run by Python without any package, says so."""
    assert check_proof(proof(), KEYS) == []
    file = tmp_path / "proof.json"
    file.write_bytes(PROOF.dump_json(proof()))
    command = [sys.executable, "-I", "-S", verify_proof.__file__, str(file), *ASKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "good: 4 records" in done.stdout


@given(st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.integers(0, 511))
def test_signatures_are_read_as_a_library_reads_them(message: bytes, secret: bytes, bit: int) -> None:
    """A good one, and one with a bit changed."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    known, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verify_proof.signed(known, message, signature)
    wrong = (int.from_bytes(signature, "little") ^ (1 << bit)).to_bytes(64, "little")
    assert verify_proof.signed(known, message, wrong) == library_says(known, message, wrong)
    assert not verify_proof.signed(known, message + b"!", signature)


def library_says(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def places(found: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path to every value in a JSON text that is no container."""
    if isinstance(found, dict):
        return [one for name, value in found.items() for one in places(value, (*path, name))]
    if isinstance(found, list):
        return [one for at, value in enumerate(found) for one in places(value, (*path, at))]
    return [path]


def changed(value: object, random: Random) -> object:
    """Return another value of the same sort."""
    if isinstance(value, int):
        return value + random.choice([-1, 1, 2])
    if isinstance(value, str) and value:
        at = random.randrange(len(value))
        return value[:at] + random.choice([c for c in "0aAz9" if c != value[at]]) + value[at + 1 :]
    return "x" if value is None or value == "" else None


UNPROVEN = {("case",), ("checkpoints", 0, "before")}
"""Told for convenience: the case's name is in the records; how the log grew is asked for apart."""


def test_whatever_is_changed_in_a_proof_is_found_by_both_readers() -> None:
    """Each value in turn, a few hundred times; nothing else than what is said for convenience may change."""
    random, told_proof = Random(2026), json.loads(PROOF.dump_json(proof()))
    for _ in range(5):
        for path in places(told_proof):
            if path in UNPROVEN or "consistency" in path:
                continue
            forged = copy.deepcopy(told_proof)
            inside = forged
            for step in path[:-1]:
                inside = inside[step]
            inside[path[-1]] = changed(inside[path[-1]], random)
            assert verdict(forged) != 0, path
            assert unreadable_or_refused(forged), path


def unreadable_or_refused(forged: object) -> bool:
    try:
        found = PROOF.validate_json(json.dumps(forged), strict=True)
    except ValueError:
        return True
    return bool(check_proof(found, KEYS))


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (lambda good: replace(good, entries=()), "entry"),
        (lambda good: replace(good, checkpoints=()), "checkpoint"),
        (lambda good: replace(good, format="l233-proof/2"), "format"),
        (lambda good: with_seals(good, good.checkpoints[0].seals[:1]), "cosigners"),
        (lambda good: with_seals(good, good.checkpoints[0].seals[1:]), "audit_seal"),
        (lambda good: with_seals(good, by_a_stranger(good)), "audit_seal"),
    ],
)
def test_a_proof_that_lacks_something_says_what(forge: Callable[[Proof], Proof], fault: str) -> None:
    """Nothing proven, no checkpoint, another format, a signature too few, a key that nobody knows."""
    assert fault in {finding.fault for finding in check_proof(forge(proof()), KEYS)}


def with_seals(good: Proof, seals: tuple[Seal, ...]) -> Proof:
    return replace(good, checkpoints=(replace(good.checkpoints[0], seals=seals),))


def by_a_stranger(good: Proof) -> tuple[Seal, ...]:
    point = good.checkpoints[0].checkpoint
    return (seal(point, "audit", STRANGER), seal(point, "cnam", CNAM))


def test_who_kept_an_earlier_checkpoint_sees_that_the_log_only_grew() -> None:
    """And sees a fork, an older log, and a log whose past was changed."""
    log = records(11)
    kept, later = checkpoint(log, 4), checkpoint(log, 11, before=4)
    assert goes_on(kept.checkpoint, later, "") == []
    forged = [replace(log[0], value=b"{}"), *log[1:]]
    fork = checkpoint(forged, 11, before=4)
    assert [one.fault for one in goes_on(kept.checkpoint, fork, "")] == ["consistency"]
    assert check_seals(fork, KEYS, 1, "") == []  # signed well: only who kept the past can tell
    told_proof = json.loads(PROOF.dump_json(proof()))
    pinned = {"log": "l233.decisions/2", "size": 4, "root": kept.checkpoint.root}
    verify_proof.check_pinned(pinned, told_proof)
    for size, root in [(4, fork.checkpoint.root), (12, kept.checkpoint.root), (11, kept.checkpoint.root)]:
        with pytest.raises(verify_proof.NotGood, match="checkpoint you kept"):
            verify_proof.check_pinned({"log": "l233.decisions/2", "size": size, "root": root}, told_proof)


def test_what_can_not_be_read_is_told_apart_from_what_is_not_good(tmp_path: Path) -> None:
    """No file, no JSON, JSON of something else: exit code 2 and one line."""
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text("[]", encoding="utf-8")
    for file in (tmp_path / "none.json", broken, other):
        command = [sys.executable, "-I", "-S", verify_proof.__file__, str(file), *ASKED]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
