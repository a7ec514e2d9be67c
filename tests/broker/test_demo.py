"""`l233 demo`: everything there is happens, everything is accounted for, and nothing stays behind."""

import json

import pytest

from l233.months import TYPES
from tests.broker.command import l233


@pytest.mark.timeout(600)
def test_the_demonstration_shows_every_type_of_event_and_accounts_for_all(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    done = l233("demo", "--events", "300", "--json", cwd=tmp_path_factory.mktemp("demo"), timeout=500)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: count for name, count in told["types"].items() if not count} == {}
    assert told["types"].keys() == set(TYPES)
    assert told["events"] == 300
    assert told["unlike_planted"] == []
    assert (told["residual"], told["unanswered"], told["repeated"]) == (0, 0, 0)
    assert told["events"] == sum(
        told[name] for name in ("routed", "duplicates", "dead_letters", "parked", "rekeyed")
    )
    assert [one["title"][:3] for one in told["stories"]][:4] == ["(a)", "(b)", "(c)", "(d)"]
