"""The Merkle log: what its proofs show, what they refuse, and that another implementation agrees."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from coordination.merkle import Growth, Tree, extends, includes, leaf_hash, node_hash

LOGS = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def tree(entries: list[bytes]) -> Tree:
    return Tree([leaf_hash(entry) for entry in entries])


def other(entries: list[bytes]) -> InmemoryTree:
    found = InmemoryTree(algorithm="sha256")
    for entry in entries:
        found.append_entry(entry)
    return found


def test_hashes_are_those_of_rfc_9162() -> None:
    """A leaf behind a zero byte, a node behind a one; the empty log is the hash of nothing."""
    assert leaf_hash(b"x") == sha256(b"\0x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()
    assert Growth().root() == sha256(b"").digest()


@given(LOGS, st.data())
def test_a_log_is_gone_on_with_from_the_proof_that_it_grew(entries: list[bytes], data: st.DataObject) -> None:
    """Without one of its leaves: all later roots come out; a proof that was changed gives no log."""
    hashes = [leaf_hash(entry) for entry in (*entries, b"one more")]
    whole = Tree(hashes)
    old = data.draw(st.integers(1, len(entries)))
    new = data.draw(st.integers(old + 1, len(hashes)))
    proof = whole.consistency(old, new)
    log = Growth.before(old, whole.root(old), new, proof)
    for size in range(old, len(hashes) + 1):
        assert (log.size, log.root()) == (size, whole.root(size))
        log = log.with_leaf(hashes[size]) if size < len(hashes) else log
    for wrong in (proof[:-1], [*proof, proof[0]]):
        with pytest.raises(ValueError, match="proof"):
            Growth.before(old, whole.root(old), new, wrong)
    if old & (old - 1):  # else its root is all that there is of it
        with pytest.raises(ValueError, match="root"):
            Growth.before(old, whole.root(old), new, [leaf_hash(b"?"), *proof[1:]])


@given(LOGS, st.data())
def test_every_entry_is_proven_in_every_later_log(entries: list[bytes], data: st.DataObject) -> None:
    """And the proof is the same, hash by hash, as pymerkle's."""
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    proof = tree(entries).inclusion(index, size)
    root = tree(entries).root(size)
    assert root == other(entries).get_root(size)
    assert includes(leaf_hash(entries[index]), index, size, proof, root)
    theirs = other(entries).prove_inclusion(index + 1, size).serialize()["path"]
    assert [leaf_hash(entries[index]), *proof] == [bytes.fromhex(step) for step in theirs]


@given(LOGS, st.data())
def test_a_log_that_only_grew_is_shown_to_go_on_from_its_earlier_self(
    entries: list[bytes], data: st.DataObject
) -> None:
    """Whatever was added since."""
    new = data.draw(st.integers(1, len(entries)))
    old = data.draw(st.integers(1, new))
    log = tree(entries)
    assert extends(old, log.root(old), new, log.root(new), log.consistency(old, new))


@given(LOGS, st.data())
def test_a_log_whose_past_was_changed_is_not_its_earlier_self(
    entries: list[bytes], data: st.DataObject
) -> None:
    """No proof that the changed log makes convinces one who knows the earlier root."""
    old = data.draw(st.integers(1, len(entries)))
    changed = list(entries)
    changed[data.draw(st.integers(0, old - 1))] += b"!"
    log, forged = tree(entries), tree(changed)
    for new in range(old, len(entries) + 1):
        assert not extends(old, log.root(old), new, forged.root(new), forged.consistency(old, new))


@given(LOGS, st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(entries: list[bytes], data: st.DataObject) -> None:
    """Nor does it for another entry, another place or another root."""
    index = data.draw(st.integers(0, len(entries) - 1))
    log, leaf = tree(entries), leaf_hash(entries[index])
    root, size = log.root(len(entries)), len(entries)
    proof = log.inclusion(index, size)
    assert not includes(leaf_hash(entries[index] + b"!"), index, size, proof, root)
    assert not includes(leaf, index, size, [*proof, root], root)
    assert not includes(leaf, index, size, proof, sha256(root).digest())
    assert not includes(leaf, size, size, proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        wrong = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
        assert not includes(leaf, index, size, [*proof[:at], wrong, *proof[at + 1 :]], root)
        assert not includes(leaf, index, size, proof[:-1], root)


@given(LOGS, st.sets(st.integers(1, 70)))
def test_what_is_kept_of_a_log_goes_on_as_if_all_of_it_were(entries: list[bytes], seals: set[int]) -> None:
    """Written and read again at every step, sealed now and then, it gives the same roots and proofs."""
    log = tree(entries)
    kept, sealed = Growth().encode(), 0
    for count, entry in enumerate(entries, 1):
        growth = Growth.decode(kept).with_leaf(leaf_hash(entry))
        assert growth.size == count
        assert growth.root() == log.root(count)
        assert growth.consistency() == (log.consistency(sealed, count) if sealed else [])
        if count in seals:
            growth, sealed = growth.at_rest(), count
            assert growth.consistency() == []
            assert growth.root() == log.root(count)
        assert len(growth.nodes) <= 3 * count.bit_length()
        kept = growth.encode()


def test_a_proof_of_what_is_not_there_is_refused() -> None:
    """An index beyond the log, a log that would have to shrink."""
    log = tree([b"a", b"b"])
    with pytest.raises(ValueError, match="no entry 2"):
        log.inclusion(2, 2)
    with pytest.raises(ValueError, match="does not go on"):
        log.consistency(2, 1)
