"""What counts as sealed: a checkpoint that the audit and an organism have signed, and nothing less."""

from dataclasses import replace

from agents.sealers import sealed_up_to
from coordination.sealing import seal
from schemas.audit import SealedCheckpoint
from tests.unit.agents.records import Kept
from tests.unit.agents.test_audit import AUDIT, BOTH, CNAM, as_record, log, seal_in_parts

COVERS = sealed_up_to(BOTH)


def signed(one: SealedCheckpoint) -> SealedCheckpoint:
    """Return a checkpoint as the witness signs it."""
    return replace(one, seals=(*one.seals, seal(one.checkpoint, "cnam", CNAM)))


def test_a_checkpoint_of_both_seals_its_log_up_to_an_offset() -> None:
    """The offset after its last entry: these lie on every second one."""
    (one,) = seal_in_parts(log(5), [5])
    assert COVERS(as_record(signed(one))) == (("l233.decisions", 1), 9)


def test_a_checkpoint_of_one_alone_or_a_changed_one_seals_nothing() -> None:
    """The audit alone, the organism alone, another end than was signed."""
    (one,) = seal_in_parts(log(5), [5])
    alone = replace(one, seals=(seal(one.checkpoint, "cnam", CNAM),))
    beyond = replace(signed(one), checkpoint=replace(one.checkpoint, end=10_000))
    by_itself = replace(one, seals=(*one.seals, seal(one.checkpoint, "cnam", AUDIT)))
    for wrong in (one, alone, beyond, by_itself):
        assert COVERS(as_record(wrong)) is None


def test_what_is_no_checkpoint_seals_nothing() -> None:
    """Whatever lies on the topic."""
    for value in (None, b"", b"{}", b"\xff"):
        assert COVERS(Kept("l233.checkpoints", value)) is None
