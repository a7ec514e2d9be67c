"""The story of a case is told from its records: complete, in the order of time, by name."""

import json
from dataclasses import replace

from coordination import acknowledgement
from coordination.acknowledgement import Acknowledgement
from coordination.intake import Intake
from coordination.verdicts import Routed
from l233.story import Decided, Receipted, Story, as_json
from l233.story_text import as_text
from l233.words import Language, words
from schemas.emitted import AcknowledgementReported
from schemas.records import Recipient
from tests.unit.coordination.examples import OWN_DATA, directory, record, rulebook, structured, worker
from tests.unit.coordination.telling import state as state_of_messages

ENGLISH, FRENCH = words(Language.ENGLISH), words(Language.FRENCH)


def routed() -> Routed:
    """Return a contact that reached the wrong organism: forwarded with its decision."""
    data = {**OWN_DATA["contact.received"], "worker": worker("31555", "59350")}
    verdict = Intake(rulebook(), directory(), {}, None).judge(
        record(structured("contact.received", data, id_="call\u202e")), {}
    )
    assert isinstance(verdict, Routed)
    return verdict


def answered(verdict: Routed, to: Recipient, at: str) -> Acknowledgement:
    mandate = acknowledgement.mandate_of(verdict.decision, to)
    agent = directory().organisms[to.organism].agent
    return acknowledgement.answer(mandate, mandate.case, verdict.decision.event, agent, directory(), at=at)


def story(*more: Acknowledgement) -> Story:
    verdict = routed()
    said = [*verdict.acknowledgements, *more]
    state = state_of_messages([verdict.decision, *said])
    receipts = (
        Receipted("2026-03-02T08:30:00.000Z", "r", "call", again=False),
        Receipted("2026-03-02T10:00:00.000Z", "r", "call", again=True),
    )
    decided = (Decided("2026-03-02T08:30:00.100Z", verdict.decision),)
    return Story(state, decided, tuple(said), receipts)


def test_a_recipient_is_done_when_it_gave_what_it_owes() -> None:
    """The lead owes a report: to have received is not enough."""
    verdict = routed()
    lead = verdict.decision.recipients[0]
    received = answered(verdict, lead, "2026-03-02T09:00:00Z")
    said = AcknowledgementReported(organism=lead.organism, role=lead.role, code=0)
    report = received._replace(id="report", level="reported", data=said)
    assert not story().is_done(verdict.decision, lead)
    assert not story(received).is_done(verdict.decision, lead)
    assert story(received, report).is_done(verdict.decision, lead)


def test_the_object_for_programs_names_organisms_and_what_they_said() -> None:
    verdict = routed()
    told = as_json(
        story(answered(verdict, verdict.decision.recipients[0], "2026-03-02T09:00:00Z")), directory()
    )
    told = json.loads(json.dumps(told))
    (decision,) = told["decisions"]
    assert decision["rule"] == "contact.received"
    assert decision["decided"] == "2026-03-02T08:30:00.100Z"
    assert [(to["role"], to["organism"], to["name"], to["answers"]) for to in decision["recipients"]] == [
        ("lead", "cpam:311", "CPAM de la Haute-Garonne", ["registered", "received"]),
        ("support", "urssaf:nord-pas-de-calais", "URSSAF Nord-Pas-de-Calais", ["registered"]),
    ]
    forwarded = [said for said in told["acknowledgements"] if said["level"] == "forwarded"]
    assert [(said["organism"], said["to"]) for said in forwarded] == [("urssaf:bretagne", "cpam:311")]


def test_a_person_reads_names_deadlines_bases_and_what_was_said_in_the_order_of_time() -> None:
    text = "\n".join(as_text(story(), directory(), ENGLISH))
    assert "CPAM de la Haute-Garonne (cpam:311)" in text
    assert "reported by the end of 2026-03-16: open" in text
    assert "URSSAF Bretagne (urssaf:bretagne): to CPAM de la Haute-Garonne (cpam:311)" in text
    assert "lives in 31555, works in 59350, as the event says" in text
    said = text.split("Told in order of time\n")[1].splitlines()
    times = [line.strip()[:19] for line in said if line.startswith("  20")]
    assert times == sorted(times)
    assert times[-1] == "2026-03-02 11:00:00", "ten o'clock UTC, as people in Paris say it"


def test_what_a_terminal_would_obey_is_not_told() -> None:
    """Such as to write the rest of the line from right to left."""
    assert "\u202e" not in "\n".join(as_text(story(), directory(), ENGLISH))


def test_an_organism_that_left_the_directory_is_told_by_its_id() -> None:
    """Old cases stay readable."""
    old = story()
    decided = replace(
        old.decided[0].decision,
        recipients=(replace(old.decided[0].decision.recipients[0], organism="cpam:999"),),
    )
    told = replace(old, decided=(replace(old.decided[0], decision=decided),))
    assert "cpam:999" in "\n".join(as_text(told, directory(), ENGLISH))
    assert as_json(told, directory())["case"] == old.state.case
