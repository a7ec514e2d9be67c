"""Whatever is changed in a log, its checkpoints, a proof or an export is found, with its place."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from coordination.exported import check_leaves, check_rows, row_of
from coordination.merkle import Tree, leaf_hash
from coordination.sealed_logs import Asked, Beginning, Checked, LogCheck, Placed, beginning
from coordination.sealing import check_proof, entry_bytes, goes_on, leaf_of, seal, told
from schemas.audit import PROOF_FORMAT, Checkpoint, Proof, ProvenEntry, SealedCheckpoint
from tests.unit.agents.records import Kept
from tests.unit.coordination.test_sealing import AUDIT, CNAM, KEYS, STRANGER

LOG = "l233.decisions/2"
NOW = 1_772_442_000_000
ASKED = Asked(KEYS, 1, NOW + 10_000, 60_000)
TAMPERINGS = 10_000


def log_of(count: int, random: Random) -> list[Kept]:
    """Return a log as Kafka might hold it: with the marks of transactions between the records."""
    offset, found = 0, []
    for _ in range(count):
        value = None if random.random() < 0.05 else random.randbytes(random.randrange(30))
        headers = tuple((f"h{at}", random.randbytes(3)) for at in range(random.randrange(3)))
        found.append(Kept("l233.decisions", value, headers, random.randbytes(6), 2, offset, NOW))
        offset += random.choice([1, 1, 2])
    return found


def sealed_of(log: Sequence[Kept], ends: Sequence[int]) -> list[Placed]:
    """Return the checkpoints of a log at these sizes, as both have signed them."""
    tree, before, found = Tree([leaf_hash(entry_bytes(record)) for record in log]), 0, list[Placed]()
    for number, size in enumerate(ends):
        point = Checkpoint(LOG, size, tree.root(size).hex(), "2026-03-02T09:00:00Z", log[size - 1].offset + 1)
        path = tuple(step.hex() for step in tree.consistency(before, size)) if before else ()
        one = SealedCheckpoint(point, before, path, (seal(point, "audit", AUDIT),))
        both = replace(one, seals=(*one.seals, seal(point, "cnam", CNAM)))
        found += [Placed(4 * number, one), Placed(4 * number + 2, both)]
        before = size
    return found


def check(
    log: Sequence[Kept], placed: Sequence[Placed], pinned: Sequence[Checkpoint] = (), asked: Asked = ASKED
) -> Checked:
    found = LogCheck(LOG, placed, asked, pinned)
    for record in log:
        found.take(record)
    return found.checked()


def case(random: Random) -> tuple[list[Kept], list[int], list[Placed]]:
    """Return a log, where it was sealed, and its checkpoints."""
    count = random.randrange(4, 24)
    log = log_of(count, random)
    ends = sorted({*random.sample(range(1, count + 1), random.randrange(1, 4)), count})
    return log, ends, sealed_of(log, ends)


def flip(log: list[Kept], at: int, random: Random) -> list[Kept]:
    """Change a byte of a part of a record, or where it lies."""
    record = log[at]
    part = random.choice(["value", "key", "headers", "offset"])
    if part == "offset":
        changed = replace(record, offset=record.offset + 1_000)
    elif part == "headers":
        changed = replace(record, headers=(*record.headers, ("x", b"")))
    else:
        before: bytes | None = getattr(record, part)
        after = b"!" if not before else bytes([before[0] ^ (1 << random.randrange(8))]) + before[1:]
        changed = replace(record, value=after) if part == "value" else replace(record, key=after)
    return [*log[:at], changed, *log[at + 1 :]]


def insert(log: list[Kept], at: int, random: Random) -> list[Kept]:
    return [*log[:at], replace(log[at], value=random.randbytes(4)), *log[at:]]


def delete(log: list[Kept], at: int, _: Random) -> list[Kept]:
    return [*log[:at], *log[at + 1 :]]


def swap(log: list[Kept], at: int, random: Random) -> list[Kept]:
    other = random.choice([place for place in range(len(log)) if place != at])
    changed = list(log)
    changed[at], changed[other] = changed[other], changed[at]
    return changed


def truncate(log: list[Kept], at: int, _: Random) -> list[Kept]:
    return log[:at]


IN_A_LOG: Sequence[Callable[[list[Kept], int, Random], list[Kept]]] = (flip, insert, delete, swap, truncate)


def test_whatever_is_changed_in_a_log_is_found_between_the_right_checkpoints() -> None:
    """Thousands of times, in five ways."""
    random = Random(1)
    for _ in range(TAMPERINGS // 2 // len(IN_A_LOG)):
        log, ends, placed = case(random)
        for tamper in IN_A_LOG:
            changed = tamper(log, random.randrange(len(log)), random)
            wrong = check(changed, placed).wrong
            assert wrong, tamper
            found = wrong[0]
            first = next(at for at in range(len(log)) if changed[at : at + 1] != log[at : at + 1])
            assert found.first is not None
            assert found.last is not None
            assert found.first <= first <= found.last, (tamper, found)
            assert found.last + 1 in ends
            assert found.checkpoint is not None
            assert LOG in found.message


def test_what_is_not_changed_is_never_blamed() -> None:
    """A log at any moment: some records sealed by both, some by the audit alone, some not yet."""
    random = Random(6)
    checks = 0
    while checks < TAMPERINGS:
        log, ends, placed = case(random)
        for size in range(len(log) + 1):
            there = 2 * sum(end <= size for end in ends)
            kept = [one.sealed.checkpoint for one in placed[:there]]
            checked = check(log[:size], placed[: max(there - random.randrange(2), 0)], kept)
            assert checked.wrong == ()
            checks += 1


def another_root(log: list[Kept], ends: list[int], at: int, random: Random) -> list[Placed]:
    """Sign another past from a checkpoint on, with the audit's own key: a fork."""
    past = random.randrange(ends[at - 1]) if at else random.randrange(ends[0])
    return sealed_of(flip(log, past, random), ends)


def test_a_checkpoint_that_is_changed_forged_or_left_out_is_found() -> None:
    """A value changed, a stranger's key, one left out, two swapped, a fork signed with good keys."""
    random = Random(2)
    for number in range(TAMPERINGS // 4):
        log, ends, placed = case(random)
        at = random.randrange(len(ends))
        one, both = placed[2 * at], placed[2 * at + 1]
        match number % 5:
            case 0:
                point = replace(both.sealed.checkpoint, size=both.sealed.checkpoint.size + 1)
                changed = [*placed[: 2 * at], Placed(both.offset, replace(both.sealed, checkpoint=point))]
                changed += placed[2 * at + 2 :]
            case 1:
                point = one.sealed.checkpoint
                forged = replace(
                    one.sealed, seals=(seal(point, "audit", STRANGER), seal(point, "cnam", STRANGER))
                )
                changed = [*placed[: 2 * at], Placed(one.offset, forged), *placed[2 * at + 2 :]]
            case 2 if at + 1 < len(ends):
                changed = [*placed[: 2 * at], *placed[2 * at + 2 :]]
            case 3 if at + 1 < len(ends):
                changed = [
                    *placed[: 2 * at],
                    *placed[2 * at + 2 : 2 * at + 4],
                    one,
                    both,
                    *placed[2 * at + 4 :],
                ]
            case _:
                fork = another_root(log, ends, at, random)
                changed = [*placed[: 2 * at], *fork[2 * at :]]
        wrong = check(log, changed).wrong
        assert wrong, number % 5
        assert all(found.checkpoint is not None for found in wrong)


def test_who_kept_a_newer_checkpoint_is_not_shown_an_older_log() -> None:
    """Nor another one: log and checkpoints agree with each other, and not with what was kept."""
    random = Random(3)
    for _ in range(TAMPERINGS // 8):
        log, ends, placed = case(random)
        kept = placed[-1].sealed.checkpoint
        assert check(log, placed, [kept]).wrong == ()
        shorter = random.randrange(1, len(log))
        older = sealed_of(log[:shorter], [shorter])
        assert [one.flaw for one in check(log[:shorter], older, [kept]).wrong] == ["pinned"]
        other = flip(log, random.randrange(len(log)), random)
        assert [one.flaw for one in check(other, sealed_of(other, ends), [kept]).wrong] == ["pinned"]
        fork = sealed_of(other, ends)[-1].sealed
        if len(ends) > 1:
            before = placed[-3].sealed.checkpoint
            assert bool(goes_on(before, fork, "")) == (log[: before.size] != other[: before.size])


def test_a_log_whose_head_is_gone_is_checked_from_what_somebody_kept() -> None:
    """From there on every change is found; what nothing was sealed behind helps nobody."""
    random = Random(8)
    for _ in range(TAMPERINGS // 8):
        log, ends, placed = case(random)
        if len(ends) == 1:
            continue
        at = random.randrange(len(ends) - 1)
        kept = placed[2 * at].sealed.checkpoint
        cut = random.randrange(ends[at] + 1)  # what lies before the kept checkpoint may be there in part
        first = min(log[cut].offset, kept.end)
        begins = beginning([kept], placed, first)
        assert begins is not None
        left = log[cut:]
        checked = looked_at(left, placed, begins)
        assert (checked.wrong, checked.first, checked.entries) == ((), ends[at], len(log))
        assert checked.sealed == len(log)
        tampered = random.randrange(ends[at], len(log))
        (wrong, *_) = looked_at(flip(log, tampered, random)[cut:], placed, begins).wrong
        assert wrong.first is not None
        assert wrong.last is not None
        assert wrong.first <= tampered <= wrong.last
        assert looked_at(left[:-1], placed, begins).wrong
        assert beginning([kept], placed, kept.end + 1) is None
        assert beginning([placed[-1].sealed.checkpoint], placed, first) is None
        other = replace(kept, root=leaf_hash(b"another past").hex())
        assert beginning([other], placed, first) is None


def looked_at(log: Sequence[Kept], placed: Sequence[Placed], begins: Beginning) -> Checked:
    found = LogCheck(LOG, placed, ASKED, [begins.kept], begins)
    for record in log:
        found.take(record)
    return found.checked()


def test_a_tampered_export_or_proof_is_found_entry_by_entry() -> None:
    """Whoever has the leaf hashes names the very record."""
    random = Random(4)
    for _ in range(TAMPERINGS // 8):
        log, _, placed = case(random)
        tree = Tree([leaf_hash(entry_bytes(record)) for record in log])
        at = random.randrange(len(log))
        path = tuple(step.hex() for step in tree.inclusion(at, len(log)))
        good = Proof(PROOF_FORMAT, "c", (ProvenEntry(told(log[at]), at, 0, path),), (placed[-1].sealed,))
        assert check_proof(good, KEYS) == []
        exported = [(told(record), leaf_hash(entry_bytes(record))) for record in flip(log, at, random)]
        hashes = [leaf_hash(entry_bytes(record)) for record in log]
        assert [place for place, (entry, _) in enumerate(exported) if leaf_of(entry) != hashes[place]] == [at]
        forged = replace(good, entries=(replace(good.entries[0], entry=exported[at][0]),))
        assert [finding.where for finding in check_proof(forged, KEYS)] == ["/entries/0/path"]


def test_what_stays_unsealed_for_too_long_is_told_and_what_is_young_is_not() -> None:
    """Entries behind the last checkpoint, and behind the last that the organism signed too."""
    log = log_of(9, Random(5))
    placed = sealed_of(log, [4, 7])
    assert check(log, placed).wrong == ()
    late = replace(ASKED, now_ms=NOW + 61_000)
    (wrong,) = check(log, placed, asked=late).wrong
    assert (wrong.flaw, wrong.first, wrong.last) == ("unsealed", 7, 8)
    (alone,) = check(log, placed[:3], asked=late).wrong
    assert (alone.flaw, alone.first, alone.last) == ("unsealed", 4, 8)
    assert check(log, placed[:3]).sealed == 4
    assert check([], []).wrong == ()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_log_that_was_never_sealed_is_unsealed_from_its_beginning(count: int) -> None:
    """Once it is older than allowed."""
    log = log_of(count, Random(count))
    (wrong,) = check(log, [], asked=replace(ASKED, now_ms=NOW + 61_000)).wrong
    assert (wrong.flaw, wrong.first, wrong.last) == ("unsealed", 0, count - 1)


def test_a_changed_export_is_found_and_the_row_is_named() -> None:
    """A row changed, left out, doubled or moved; leaves that lead to no root; nothing when all is right."""
    random = Random(7)
    for number in range(TAMPERINGS // 8):
        log, _, placed = case(random)
        leaves = [leaf_hash(entry_bytes(record)) for record in log]
        signed = [one.sealed for one in placed[1::2]]
        rows = [row_of(record, 4, at, leaves[at]) for at, record in enumerate(log)]
        assert list(check_rows(rows, {LOG: leaves})) == []
        assert list(check_leaves(LOG, leaves, signed, KEYS, 1)) == []
        at = random.randrange(1, len(rows) - 1)
        changed = list(rows)
        match number % 5:
            case 0:
                changed[at] = replace(rows[at], value=b"?")
            case 1:
                changed[at] = row_of(replace(log[at], key=b"?"), 4, at, leaf_hash(b"?"))
            case 2:
                del changed[at]
            case 3:
                changed.insert(at, rows[at])
            case _:
                changed[at - 1], changed[at] = changed[at], changed[at - 1]
        (found, *_) = check_rows(changed, {LOG: leaves})
        named = int(found.where.rpartition(" ")[2])
        assert at - 1 <= named <= at + 1  # of two that changed places, or of one that is gone, its neighbour
        forged = [*leaves[:at], leaf_hash(b"?"), *leaves[at + 1 :]]
        assert {one.fault for one in check_leaves(LOG, forged, signed, KEYS, 1)} == {"root"}
        assert {one.fault for one in check_leaves(LOG, leaves[:-1], signed, KEYS, 1)} == {"root"}
