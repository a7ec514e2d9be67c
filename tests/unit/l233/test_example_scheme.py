"""The next version of the example is one that workers take: another name and date, and nothing else."""

from datetime import datetime, timedelta

from agents.following import example_trust
from coordination.scheme_life import on_publication
from coordination.scheme_version import require_in_force_to_be
from l233.example_scheme import next_version
from schemas.scheme import LIFE
from tests.unit.coordination.examples import directory, shipped

JULY = datetime.fromisoformat("2026-07-01T00:00:00+02:00")


def test_it_may_be_published_beside_the_shipped_one() -> None:
    made = next_version("2026-07", JULY, JULY - timedelta(days=60), directory())
    require_in_force_to_be(made, JULY - timedelta(days=1), [shipped()], example_trust())
    told = {one.type for one in on_publication(made, "2026-06-30T00:00:00+02:00", [shipped()])}
    assert {f"fr.l233.{name}.v1" for name in LIFE} <= told


def test_it_says_what_the_shipped_one_says() -> None:
    made = next_version("2026-07", JULY, JULY - timedelta(days=60), directory())
    assert (made.scheme.version, made.scheme.in_force) == ("2026-07", JULY)
    assert made.scheme.rules.keys() == shipped().rules.keys()
    assert made.scheme.status == "example"
