"""One conformance suite for the seven organisms: what each must do with what reaches its inbox."""

import pytest

from agents.carsat import Carsat
from agents.cgss import Cgss
from agents.cpam import Cpam
from agents.intake import IntakeAgent
from agents.organism import NoMandateError, Organism
from agents.roles import ORGANISMS, load_world
from agents.urssaf import Urssaf
from coordination import acknowledgement
from schemas.emitted import AcknowledgementReported
from schemas.envelope import unpack
from streaming.records import Output
from streaming.topics import Registry
from tests.unit.agents.mandates import asked
from tests.unit.agents.records import Kept, Memory, arrived, event, registered

ANSWERS = "l233.acknowledgements"
WORLD = load_world(Registry.load())
TOULOUSE = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
CAYENNE = {"siren": "732829320", "residence": "97302", "establishment": "97302"}
MEDIATION = {"prior_approach": True, "worker": TOULOUSE}
FOR_EACH = {
    "cpam": registered(),
    "urssaf": registered(),
    "carsat": registered(),
    "cgss": event("activity.registered", {"worker": CAYENNE, "start": "2026-02-01"}),
    "cnam": event("mediation.opened", {**MEDIATION, "against": "cpam:311"}),
    "cnav": event("mediation.opened", {**MEDIATION, "against": "carsat:31"}),
    "acoss": event("mediation.opened", {**MEDIATION, "against": "urssaf:midi-pyrenees"}),
}
LEADS = ("urssaf", "cgss")


@pytest.fixture(params=ORGANISMS, ids=lambda organism: organism.agent)
def organism(request: pytest.FixtureRequest) -> Organism:
    """Each organism in turn."""
    made: Organism = request.param(WORLD)
    return made


def inbox(agent: str) -> Kept:
    """Return a record of an agent's inbox, as intake writes it."""
    outputs = IntakeAgent(WORLD)(FOR_EACH[agent], Memory()).outputs
    (found,) = [output for output in outputs if output.topic == f"l233.inbox.{agent}"]
    return arrived(found)


def answer(output: Output) -> acknowledgement.Acknowledgement:
    """Read an acknowledgement back."""
    return acknowledgement.read(unpack(output.value, output.headers).attributes, output.value or b"")


def test_it_acknowledges_what_it_is_competent_for(organism: Organism) -> None:
    """A request in its own inbox is received, for the event and the case that it came with."""
    record = inbox(organism.agent)
    said = unpack(record.value, record.headers).attributes
    output, *_ = organism(record, Memory()).outputs
    given = answer(output)
    assert given.level == "received"
    assert (given.causation, given.case, given.subject) == (
        said["id"],
        said["correlationid"],
        said["subject"],
    )
    assert output.topic == "l233.acknowledgements"


def test_it_reports_by_itself_only_where_nobody_is_needed(organism: Organism) -> None:
    """Who leads the registration of an activity reports code 0 at once; who is informed has received it."""
    record = inbox(organism.agent)
    given = [answer(output) for output in organism(record, Memory()).outputs if output.topic == ANSWERS]
    assert [one.level for one in given] == ["received", *["reported"] * (organism.agent in LEADS)]
    for one in given[1:]:
        assert isinstance(one.data, AcknowledgementReported)
        assert one.data.code == 0
        assert (one.causation, one.case) == (given[0].causation, given[0].case)


@pytest.mark.parametrize(
    ("corrected", "levels"),
    [
        ("activity.modified", ["received", "reported"]),
        ("sick-leave.received", ["received"]),
        ("difficulty.detected", ["received"]),
    ],
)
def test_a_correction_is_reported_as_what_it_corrects(corrected: str, levels: list[str]) -> None:
    """An annulled change of activity needs nobody; an annulled sick leave is for a person to see."""
    annulled = {"event": "e0", "source": "urn:test:producer", "reason": "sent twice"}
    record = asked("case.annulled", annulled, "cgss:971", corrects=corrected, activity="affiliation")
    outputs = Cgss(WORLD)(record, Memory()).outputs
    assert [answer(output).level for output in outputs if output.topic == ANSWERS] == levels


@pytest.mark.parametrize(
    ("kind", "late"),
    [(Cpam, "cpam:311"), (Urssaf, "urssaf:bretagne"), (Carsat, "cnav:ile-de-france"), (Cgss, "ccss:481")],
)
def test_a_reminder_is_told_and_not_answered(kind: type[Organism], late: str) -> None:
    """What a head reminds an organism of is owed since before: to have received it would add nothing."""
    told = asked(
        "escalation.raised", {"to": "cnam", "organism": late, "level": "reported"}, late, role="support"
    )
    assert kind(WORLD)(told, Memory()).outputs == []


def test_it_refuses_what_another_agent_serves(organism: Organism) -> None:
    """A request that strayed into its inbox is refused with the reason, not swallowed."""
    stranger = "cpam" if organism.agent != "cpam" else "urssaf"
    (output,) = organism(inbox(stranger), Memory()).outputs
    assert answer(output).level == "refused"


def test_a_record_without_a_mandate_is_an_error(organism: Organism) -> None:
    """Only intake writes to inboxes: what it did not put there is isolated, not answered."""
    with pytest.raises(NoMandateError):
        organism(registered(), Memory())


def test_it_names_the_article_it_comes_from(organism: Organism) -> None:
    """Every organism says which article of the code makes it."""
    articles = {
        known.article for known in WORLD.directory.organisms.values() if known.agent == organism.agent
    }
    assert organism.article in articles
