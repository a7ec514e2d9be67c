"""What was known of a worker then, and what is known now, are two things."""

from dataclasses import dataclass
from typing import Final

from coordination.intake import Intake
from coordination.partitioning import partition_of
from l233.known import KnownSituation, ThenAndNow, known, told
from schemas.envelope import STRUCTURED
from schemas.records import Situation
from schemas.topics import INPUT
from tests.unit.coordination.examples import SIREN, SUBJECT, directory, place, rulebook, structured, worker

HOME: Final = partition_of(SUBJECT.encode(), 4)
JUDGE: Final = Intake(rulebook(), directory(), {}, 4)
MARCH: Final = 1_772_440_200_000
APRIL: Final = MARCH + 30 * 86_400_000


@dataclass(frozen=True)
class Came:
    """An input that Kafka took at an instant."""

    value: bytes
    offset: int
    timestamp: int
    topic: str = INPUT
    partition: int = HOME
    key: bytes | None = SUBJECT.encode()
    headers: tuple[tuple[str, bytes], ...] = (("content-type", STRUCTURED.encode()),)


REGISTERED: Final = structured(
    "activity.registered", {"start": "2026-01-05", "worker": worker("31555")}, id_="1", correlationid="c"
)
MOVED: Final = structured(
    "territory.changed",
    {"previous": place("31555"), "effective": "2026-02-10", "worker": worker("44109")},
    id_="2",
    correlationid="m",
)
ANNULLED: Final = structured(
    "case.annulled",
    {"event": "2", "source": "urn:example:counter", "reason": "another worker was meant"},
    id_="3",
    correlationid="m",
)


def test_a_move_that_is_told_late_was_not_known_before() -> None:
    """It counts from February, and came in April: in March he was known in Toulouse, for February too."""
    log = [Came(REGISTERED, 0, MARCH), Came(MOVED, 1, APRIL)]
    then, now = known(SUBJECT, log[:1], JUDGE), known(SUBJECT, log, JUDGE)
    toulouse, nantes = (Situation(SIREN, commune, commune) for commune in ("31555", "44109"))
    assert then.situations == (KnownSituation("2026-01-05", toulouse),)
    assert now.situations == (KnownSituation("2026-01-05", toulouse), KnownSituation("2026-02-10", nantes))
    assert [(one.id, one.verdict, one.came[:7]) for one in now.events] == [
        ("1", "routed", "2026-03"),
        ("2", "routed", "2026-04"),
    ]


def test_what_was_annulled_stays_told_and_counts_no_more() -> None:
    log = [Came(REGISTERED, 0, MARCH), Came(MOVED, 1, MARCH), Came(ANNULLED, 2, APRIL)]
    found = ThenAndNow(SUBJECT, known(SUBJECT, log[:2], JUDGE), known(SUBJECT, log, JUDGE))
    assert [one.since for one in found.then.situations] == ["2026-01-05", "2026-02-10"]
    assert [one.since for one in found.now.situations] == ["2026-01-05"]
    assert [(one.type, one.corrects) for one in found.now.events[2:]] == [("fr.l233.case.annulled.v1", "2")]
    assert "corrects 2" in "\n".join(told(found, "2026-03-03"))
    assert len(found.as_json()["since"]) == 1  # type: ignore[arg-type]  # a list of events


def test_refused_and_repeated_events_are_told_too() -> None:
    wrong = structured("contribution.paid", {}, id_="9")
    log = [Came(REGISTERED, 0, MARCH), Came(REGISTERED, 1, MARCH), Came(wrong, 2, MARCH)]
    assert [one.verdict for one in known(SUBJECT, log, JUDGE).events] == ["routed", "duplicate", "contract"]
