"""When a mediation is refused by the organism that it is about (R612-9)."""

import pytest

from coordination.mediation import objection


@pytest.mark.parametrize(("prior_approach", "refused"), [("false", "no_prior_approach"), ("true", None)])
def test_a_mediation_needs_a_prior_approach(prior_approach: str, refused: str | None) -> None:
    """The organism that the worker has not approached refuses; the heads are informed all the same."""
    data = f'{{"against":"cpam:311","prior_approach":{prior_approach}}}'.encode()
    assert objection("mediation.opened", "lead", data) == refused
    assert objection("mediation.opened", "informed", data) is None


def test_nothing_else_is_refused_for_it() -> None:
    """A complaint needs no prior approach."""
    assert objection("complaint.lodged", "lead", b'{"against":"cpam:311","subject":"health"}') is None
