"""The audit's handler and the witness's: every record is sealed once, in order, and a fork is not signed."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.audit import Audit, Sealing
from agents.witness import ForkError, Witness, Witnessing
from coordination.merkle import Tree, leaf_hash
from coordination.sealing import check_seals, entry_bytes, goes_on
from schemas.audit import CHECKPOINT, Checkpoint, SealedCheckpoint
from streaming.records import Output, Result
from streaming.timers import PREFIX, Timer
from tests.unit.agents.records import Kept, Memory

AUDIT = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
CNAM = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
KEYS = {"audit": {AUDIT.public_key().public_bytes_raw().hex()}}
BOTH = {**KEYS, "cnam": {CNAM.public_key().public_bytes_raw().hex()}}


def log(count: int, partition: int = 1) -> list[Kept]:
    return [
        Kept("l233.decisions", b'{"n":%d}' % at, (), b"worker:1", partition, at * 2, 1_772_442_000_000 + at)
        for at in range(count)
    ]


def taken(memory: Memory, result: Result) -> list[Output]:
    for key, value in result.writes.items():
        if value is None:
            memory.kept.pop(key, None)
        else:
            memory.kept[key] = value
    return list(result.outputs)


def fire(audit: Audit, memory: Memory) -> list[SealedCheckpoint]:
    """Fire every timer, as a lane would."""
    found = []
    for key, value in list(memory.scan(PREFIX)):
        del memory.kept[key]
        for output in taken(memory, audit.due(Timer.read(key, value), memory)):
            found.append(CHECKPOINT.validate_json(output.value or b""))  # noqa: PERF401  the timers write meanwhile
    return found


def seal_in_parts(records: list[Kept], ends: list[int]) -> list[SealedCheckpoint]:
    """Seal a log with a checkpoint after each of these sizes; each time by another worker."""
    memory, found, done = Memory(), list[SealedCheckpoint](), 0
    for end in ends:
        audit = Audit(Sealing(AUDIT))
        for record in records[done:end]:
            assert taken(memory, audit(record, memory)) == []
        found += fire(audit, memory)
        done = end
    return found


def as_record(sealed: SealedCheckpoint) -> Kept:
    return Kept("l233.checkpoints", CHECKPOINT.dump_json(sealed), (), sealed.checkpoint.log.encode(), 1)


def test_checkpoints_cover_every_record_and_each_goes_on_from_the_one_before() -> None:
    """The roots are those of the whole log, whatever worker sealed which part of it."""
    records, ends = log(23), [1, 2, 9, 16, 23]
    found = seal_in_parts(records, ends)
    tree = Tree([leaf_hash(entry_bytes(record)) for record in records])
    assert [(one.checkpoint.size, one.checkpoint.root) for one in found] == [
        (end, tree.root(end).hex()) for end in ends
    ]
    before = Checkpoint("l233.decisions/1", 0, "", "", 0)
    for one in found:
        assert check_seals(one, KEYS, 0, "") == []
        assert goes_on(before, one, "") == []
        before = one.checkpoint


def test_a_checkpoint_is_signed_soon_after_a_record_and_none_without_one() -> None:
    """A log that rests is not signed over and over."""
    memory, audit = Memory(), Audit(Sealing(AUDIT, within_ms=3_000))
    for record in log(5):
        taken(memory, audit(record, memory))
    timers = [Timer.read(key, value) for key, value in memory.scan(PREFIX)]
    assert [timer.at_ms for timer in timers] == [1_772_442_003_000]
    assert len(fire(audit, memory)) == 1
    assert list(memory.scan(PREFIX)) == []


def test_two_partitions_are_two_logs() -> None:
    """A worker's records are sealed where they lie."""
    memory, audit = Memory(), Audit(Sealing(AUDIT))
    for record in [*log(3, partition=0), *log(2, partition=1)]:
        taken(memory, audit(record, memory))
    assert {(one.checkpoint.log, one.checkpoint.size) for one in fire(audit, memory)} == {
        ("l233.decisions/0", 3),
        ("l233.decisions/1", 2),
    }


def test_the_witness_signs_what_goes_on_and_once() -> None:
    """With its signature the checkpoint counts; its own, when it comes back, causes nothing."""
    memory, witness = Memory(), Witness(Witnessing("cnam", CNAM, KEYS))
    for sealed in seal_in_parts(log(9), [4, 9]):
        (output,) = taken(memory, witness(as_record(sealed), memory))
        both = CHECKPOINT.validate_json(output.value or b"")
        assert check_seals(both, BOTH, 1, "") == []
        assert taken(memory, witness(as_record(both), memory)) == []


def test_the_witness_signs_no_fork_and_nothing_that_the_audit_did_not_sign() -> None:
    """Another past, a gap, a stranger's key: each is refused with its ground, and what follows it too."""
    memory, witness = Memory(), Witness(Witnessing("cnam", CNAM, KEYS))
    first, second, third = seal_in_parts(log(9), [4, 6, 9])
    taken(memory, witness(as_record(first), memory))
    forked = [replace(log(9)[0], value=b"{}"), *log(9)[1:]]
    stranger = Audit(Sealing(CNAM))
    strange = Memory()
    taken(strange, stranger(log(1)[0], strange))
    for wrong in (seal_in_parts(forked, [4, 6])[1], third, first, *fire(stranger, strange)):
        with pytest.raises(ForkError, match=r"l233\.decisions/1 is not signed"):
            witness(as_record(wrong), memory)
    assert witness(as_record(second), memory).outputs
