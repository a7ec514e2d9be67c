"""What the organism of deposit does with a request for social aid, word by word."""

import json
from collections.abc import Mapping, Sequence

import pytest

from agents.organism import Organism
from agents.roles import ORGANISMS, load_world
from schemas.envelope import unpack
from streaming.records import Output
from streaming.topics import Registry
from tests.unit.agents.mandates import CASE, asked
from tests.unit.agents.records import Kept, Memory

DEPOSITS = {
    "cpam": "cpam:311",
    "urssaf": "urssaf:bretagne",
    "carsat": "cnav:ile-de-france",
    "cgss": "cgss:971",
}
NOTHING_MORE: Mapping[str, object] = {}
TAKEN = {"code": 0}
WORLD = load_world(Registry.load())


@pytest.fixture(params=[kind for kind in ORGANISMS if kind.agent in DEPOSITS], ids=lambda kind: kind.agent)
def organism(request: pytest.FixtureRequest) -> Organism:
    """Each organism that a worker may ask for aid."""
    made: Organism = request.param(WORLD)
    return made


def requested(at: str, *, amount: str | None = "800.00", id_: str = "request") -> Kept:
    """Return a request for emergency aid."""
    data = {"kind": "emergency", "received_by": at, **({} if amount is None else {"amount": amount})}
    return asked("social-aid.requested", data, at, id_=id_)


def word(level: str, at: str, more: Mapping[str, object] = NOTHING_MORE, about: str | None = None) -> Kept:
    """Return what the organism's own system acknowledges, as cases hands it on."""
    data = {"organism": at, **more}
    time = "2026-03-09T10:00:00+01:00"
    return asked(f"acknowledgement.{level}", data, at, id_=f"{level}-{about}", time=time, about=about)


def decided(at: str, *, granted: bool, amount: str | None = None, about: str | None = None) -> Kept:
    """Return the CPSTI's decision."""
    data = {"organism": at, "granted": granted, **({} if amount is None else {"amount": amount})}
    return asked(
        "social-aid.decided", data, at, id_="decision", time="2026-03-06T10:00:00+01:00", about=about
    )


def told(organism: Organism, *records: Kept) -> list[tuple[str, dict[str, object]]]:
    """Return names and data of everything the organism emits, in order."""
    memory = Memory()
    outputs = list[Output]()
    for record in records:
        result = organism(record, memory)
        memory.kept.update({key: value for key, value in result.writes.items() if value is not None})
        outputs += result.outputs
    return [said(output) for output in outputs]


def said(output: Output) -> tuple[str, dict[str, object]]:
    """Return name and data of what was emitted, which belongs to the case."""
    attributes = unpack(output.value, output.headers).attributes
    assert attributes["correlationid"] == CASE
    return str(attributes["type"])[len("fr.l233.") : -len(".v1")], json.loads(output.value or b"")


def names(all_: Sequence[tuple[str, dict[str, object]]]) -> list[str]:
    """Return the names alone."""
    return [name for name, _ in all_]


def test_it_follows_its_own_system_and_the_cpsti_to_the_payment(organism: Organism) -> None:
    """Received by itself; every further step is somebody's word."""
    at = DEPOSITS[organism.agent]
    way = told(
        organism,
        requested(at),
        word("reported", at, TAKEN, about="request"),
        decided(at, granted=True, amount="500.00"),
        word("settled", at),
    )
    assert names(way) == [
        "acknowledgement.received",
        "social-aid.instructed",
        "social-aid.referred",
        "acknowledgement.received",
        "social-aid.paid",
    ]
    assert way[1][1] == {"organism": at}
    assert way[-1][1] == {"organism": at, "amount": "500.00"}


def test_without_a_word_it_is_silent(organism: Organism) -> None:
    """To have received the request is all that happens by itself."""
    assert names(told(organism, requested(DEPOSITS[organism.agent]))) == ["acknowledgement.received"]


@pytest.mark.parametrize(
    ("level", "more"), [("reported", {"code": 3}), ("refused", {"reason": "not_entitled"})]
)
def test_what_it_does_not_take_into_account_ends(
    organism: Organism, level: str, more: dict[str, object]
) -> None:
    """No referral, and no payment even if the CPSTI granted the aid."""
    at = DEPOSITS[organism.agent]
    way = told(
        organism,
        requested(at),
        word(level, at, more),
        decided(at, granted=True),
        word("settled", at),
    )
    assert names(way) == ["acknowledgement.received"] * 2


def test_words_about_something_else_in_the_case_move_nothing(organism: Organism) -> None:
    """An answer to what another organism asked is no instruction."""
    at = DEPOSITS[organism.agent]
    way = told(organism, requested(at), word("reported", at, TAKEN, about="a question"))
    assert names(way) == ["acknowledgement.received"]
    elsewhere = asked("acknowledgement.reported", {"organism": at, **TAKEN}, at, activity="requests")
    assert names(told(organism, requested(at), elsewhere)) == ["acknowledgement.received"]


def test_of_two_requests_in_a_case_each_goes_its_way(organism: Organism) -> None:
    """A word names the request it is about, or is about the first that waits for it."""
    at = DEPOSITS[organism.agent]
    way = told(
        organism,
        requested(at, amount="100.00", id_="first"),
        requested(at, amount="200.00", id_="second"),
        word("reported", at, TAKEN, about="second"),
        word("reported", at, TAKEN),
    )
    files = [str(data["file"]) for name, data in way if name == "social-aid.referred"]
    assert [file.split()[-1] for file in files] == ["200.00", "100.00"]


def test_a_corrected_request_is_referred_again_and_an_annulled_one_ends(organism: Organism) -> None:
    """What was referred is not unsaid: the file comes again, as it is now."""
    at = DEPOSITS[organism.agent]
    meant = {"event": "request", "source": "urn:test:producer"}
    new = {"kind": "emergency", "received_by": at, "amount": "900.00"}
    before = [requested(at), word("reported", at, {"code": 1})]
    corrected = told(organism, *before, asked("case.updated", {**meant, "data": new}, at, id_="correction"))
    assert [str(data["file"]).split()[-1] for name, data in corrected if name == "social-aid.referred"] == [
        "800.00",
        "900.00",
    ]
    annulled = told(
        organism,
        *before,
        asked("case.annulled", {**meant, "reason": "typed twice"}, at, id_="annulment"),
        decided(at, granted=True),
        word("settled", at),
    )
    assert "social-aid.paid" not in names(annulled)


def test_a_corrected_decision_counts(organism: Organism) -> None:
    """The CPSTI's own correction replaces what it had decided."""
    at = DEPOSITS[organism.agent]
    meant = {"event": "decision", "source": "urn:test:producer"}
    new = {"organism": at, "granted": True, "amount": "650.00"}
    way = told(
        organism,
        requested(at),
        word("reported", at, TAKEN),
        decided(at, granted=False),
        asked("case.updated", {**meant, "data": new}, at, id_="correction"),
        word("settled", at),
    )
    assert way[-1] == ("social-aid.paid", {"organism": at, "amount": "650.00"})
    gone = told(
        organism,
        requested(at),
        word("reported", at, TAKEN),
        decided(at, granted=True),
        asked("case.annulled", {**meant, "reason": "another worker's"}, at, id_="annulment"),
        word("settled", at),
    )
    assert "social-aid.paid" not in names(gone)
