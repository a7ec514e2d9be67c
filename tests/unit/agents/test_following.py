"""A worker's world follows the scheme: what may be in force of what is published is in it, nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs

import scheme
from agents.following import NoSchemeError, PublishedSchemes, example_trust, shipped_schemes
from agents.intake import IntakeAgent
from agents.roles import load_world
from agents.world import World
from coordination.rulebook import Rulebook
from coordination.scheme_file import SchemeError
from coordination.scheme_life import on_publication
from coordination.signing import public_hex
from schemas.envelope import pack_binary
from schemas.records import DECISION
from schemas.scheme import SCHEME_VERSION, SCHEME_VERSION_TYPE, SchemeVersion
from streaming.topics import Registry
from tests.unit.agents.records import Kept, Memory, registered
from tests.unit.coordination.examples import shipped
from tests.unit.coordination.signed import key, record, signed, version

JULY = record(version("2026-07", "2026-07-01T00:00:00+02:00"))
AUGUST = record(version("2026-08", "2026-08-01T00:00:00+02:00"))


@pytest.fixture
def world() -> World:
    """Return the world as a worker starts with it."""
    return load_world(Registry.load())


def said(*versions: SchemeVersion) -> list[Kept]:
    """Return versions as they lie on the topic."""
    found = []
    for offset, one in enumerate(versions):
        attributes = {"type": SCHEME_VERSION_TYPE, "subject": f"scheme:{one.scheme}"}
        headers, value = pack_binary(attributes, SCHEME_VERSION.dump_json(one))
        found.append(Kept("l233.scheme", value, headers, one.scheme.encode(), offset=offset))
    return found


def names(world: World) -> list[str]:
    """Return the versions that a world has."""
    return [one.version for one in world.rulebook.schemes]


def test_a_world_takes_what_is_published_and_keeps_what_it_has(world: World) -> None:
    follows = PublishedSchemes(world, example_trust())
    follows.take(said())
    assert names(world) == ["2026-01"]
    follows.take(said(JULY))
    follows.take(said(AUGUST))
    assert names(world) == ["2026-01", "2026-07", "2026-08"]
    assert world.rulebook.version("2026-07").hash == JULY.sha256


def test_it_is_the_same_world_whether_read_at_once_or_followed(world: World) -> None:
    """A worker that starts later, or reads the topic again from its beginning, has the same versions."""
    follows = PublishedSchemes(world, example_trust())
    for one in (JULY, AUGUST):
        follows.take(said(one))
    before = world.rulebook
    follows.take(said(JULY, AUGUST))
    assert world.rulebook is before, "nothing new: nothing is replaced"
    later = load_world(Registry.load())
    PublishedSchemes(later, example_trust()).take(said(JULY, AUGUST))
    assert [one.hash for one in later.rulebook.schemes] == [one.hash for one in before.schemes]


def test_the_shipped_version_may_be_published_as_it_is(world: World) -> None:
    before = world.rulebook
    PublishedSchemes(world, example_trust()).take(said(record(scheme.versions()["2026-01.yaml"])))
    assert world.rulebook is before


@pytest.mark.parametrize(
    ("first", "refused"),
    [
        (AUGUST, replace(JULY, signatures=JULY.signatures[1:])),
        (AUGUST, replace(JULY, text=JULY.text.replace("support: acoss", "support: cnav"))),
        (AUGUST, replace(JULY, published="2026-06-30T12:00:00+02:00")),
        (JULY, record(version("2026-08", "2026-07-01T00:00:00+02:00"))),
        (JULY, record(version("2026-07", "2026-09-01T00:00:00+02:00"))),
    ],
    ids=["signature", "text", "late", "overlap", "name"],
)
def test_what_may_not_be_in_force_is_told_and_changes_nothing(
    world: World, first: SchemeVersion, refused: SchemeVersion
) -> None:
    """Each worker judges for itself, by its own keys, and goes on with what it has."""
    follows = PublishedSchemes(world, example_trust())
    follows.take(said(first))
    before = world.rulebook
    with capture_logs() as logs:
        follows.take(said(refused))
    assert world.rulebook is before
    assert [entry["event"] for entry in logs] == ["scheme_refused"]


def test_what_is_no_version_is_passed_over(world: World) -> None:
    """Events on the life of a version lie on the same topic; a deletion or rubbish changes nothing."""
    headers, _ = pack_binary({"type": SCHEME_VERSION_TYPE}, b"")
    others = [
        Kept("l233.scheme", one.payload, pack_binary({"type": one.type}, b"")[0])
        for one in on_publication(signed(JULY.text), JULY.published, [shipped()])[1:]
    ]
    rubbish = Kept("l233.scheme", b"{}", headers)
    before = world.rulebook
    with capture_logs() as logs:
        PublishedSchemes(world, example_trust()).take([*others, Kept("l233.scheme", None, headers), rubbish])
    assert world.rulebook is before
    assert [entry["event"] for entry in logs] == ["scheme_unreadable"]


def test_without_any_version_nothing_starts() -> None:
    """In production: the example is not trusted, so one of one's own must be published first."""
    own = {name: frozenset({public_hex(key("cnam").public_key())[::-1]}) for name in example_trust()}
    world = load_world(Registry.load(), own)
    assert names(world) == []
    follows = PublishedSchemes(world, own)
    with pytest.raises(NoSchemeError, match="is an example, which production refuses, and none is published"):
        follows.take(said())


def test_the_first_version_of_ones_own_needs_no_notice() -> None:
    world = World(Rulebook(()), load_world(Registry.load()).directory, Registry.load())
    PublishedSchemes(world, example_trust()).take(said(replace(JULY, published="2026-09-01T00:00:00Z")))
    assert names(world) == ["2026-07"]


def test_a_shipped_version_that_was_altered_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = scheme.versions()["2026-01.yaml"].replace("support: acoss", "support: cnav")
    monkeypatch.setattr(scheme, "versions", lambda: {"2026-01.yaml": text})
    with pytest.raises(SchemeError, match=r"2026-01.signatures.json:3: sha256: signs another text"):
        shipped_schemes(world.directory, example_trust())
    monkeypatch.setattr(scheme, "signatures", dict)
    with pytest.raises(SchemeError, match="cnam has not signed it"):
        shipped_schemes(world.directory, example_trust())


# -- what intake does with it ---------------------------------------------------------------------------


def happened(time: str, id_: str) -> Kept:
    """Return a registration that happened at a time."""
    event = registered(id_=id_)
    headers = [(name, time.encode() if name == "ce_time" else value) for name, value in event.headers]
    return replace(event, headers=headers)


def schemes_of(intake: IntakeAgent, times: Sequence[str], mark: str) -> list[tuple[str, str]]:
    """Return by which version and hash each event was judged."""
    found = []
    for number, time in enumerate(times):
        outputs = intake(happened(time, f"{mark}{number}"), Memory()).outputs
        (decided,) = [one for one in outputs if one.topic == "l233.decisions"]
        decision = DECISION.validate_json(decided.value or b"")
        found.append((decision.scheme, decision.scheme_hash))
    return found


def test_each_event_is_judged_by_the_version_in_force_when_it_happened(world: World) -> None:
    """Whatever the order of arrival, and from the very record after the publication on."""
    intake = IntakeAgent(world)
    times = ["2026-06-30T23:59:59+02:00", "2026-07-01T00:00:00+02:00", "2026-03-01T00:00:00+01:00"]
    old = ("2026-01", shipped().hash)
    assert schemes_of(intake, times, "before") == [old, old, old]
    PublishedSchemes(world, example_trust()).take(said(JULY))
    assert schemes_of(intake, times, "after") == [old, ("2026-07", JULY.sha256), old]


# -- what is told of a version --------------------------------------------------------------------------


def test_the_life_of_a_version_is_told_as_events() -> None:
    """Established and approved when the last has signed; the one before is superseded from the new date."""
    told = on_publication(signed(JULY.text), JULY.published, [shipped()])
    assert [(one.type, one.subject, one.key) for one in told] == [
        ("fr.l233.scheme-version.v1", "scheme:2026-07", "2026-07"),
        ("fr.l233.scheme.established.v1", "scheme:2026-07", "2026-07/scheme.established"),
        ("fr.l233.scheme.approved.v1", "scheme:2026-07", "2026-07/scheme.approved"),
        ("fr.l233.scheme.published.v1", "scheme:2026-07", "2026-07/scheme.published"),
        ("fr.l233.scheme.superseded.v1", "scheme:2026-01", "2026-01/scheme.superseded"),
    ]
    assert SCHEME_VERSION.validate_json(told[0].payload) == JULY
    assert b'"since":"2026-07-01T00:00:00+02:00"' in told[-1].payload
    assert len({one.id for one in told}) == 5
    assert [one.time for one in told[1:3]] == [JULY.signatures[0].at] * 2
    assert datetime.fromisoformat(told[3].time) == datetime.fromisoformat(JULY.published)


def test_the_first_version_supersedes_none() -> None:
    told = on_publication(signed(JULY.text), JULY.published, [])
    assert all("superseded" not in one.type for one in told)
