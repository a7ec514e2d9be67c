"""What the three heads do with what stays undone."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from agents.national_head import NationalHead
from agents.organism import Organism
from agents.requests import read
from agents.roles import ORGANISMS, load_world
from schemas.envelope import unpack
from streaming.topics import Registry
from tests.unit.agents.mandates import asked
from tests.unit.agents.records import Memory, arrived

WORLD = load_world(Registry.load())
HEADS = [kind for kind in ORGANISMS if issubclass(kind, NationalHead)]


@pytest.fixture(params=HEADS, ids=lambda kind: kind.agent)
def head(request: pytest.FixtureRequest) -> Organism:
    """Each head in turn."""
    made: Organism = request.param(WORLD)
    return made


@pytest.mark.parametrize(
    ("late", "inbox", "by"),
    [
        # Told on Thursday 2 April 2026; Good Friday is a holiday in Moselle only, Easter Monday everywhere.
        ("cpam:311", "l233.inbox.cpam", "2026-04-10T23:59:59+02:00"),
        ("cpam:571", "l233.inbox.cpam", "2026-04-13T23:59:59+02:00"),
        ("cgss:974", "l233.inbox.cgss", "2026-04-10T23:59:59+04:00"),
        ("cnav:ile-de-france", "l233.inbox.carsat", "2026-04-10T23:59:59+02:00"),
    ],
)
def test_an_escalation_is_received_and_the_late_organism_reminded(
    head: Organism, late: str, inbox: str, by: str
) -> None:
    """The organism is asked within five working days of its own calendar, in the case that is late."""
    data: dict[str, object] = {"to": head.agent, "organism": late, "level": "reported"}
    time = "2026-04-02T10:00:00+02:00"
    told = asked("escalation.raised", data, head.agent, role="informed", id_="escalation", time=time)
    told = replace(told, timestamp=int(datetime.fromisoformat(time).timestamp() * 1000))
    received, reminder = head(told, Memory()).outputs
    attributes = unpack(received.value, received.headers).attributes
    assert (attributes["type"], attributes["causationid"]) == (
        "fr.l233.acknowledgement.received.v1",
        "escalation",
    )
    assert json.loads(received.value or b"") == {"organism": head.agent, "role": "informed"}
    assert reminder.topic == inbox
    request = read(arrived(reminder))
    assert (request.name, request.event.id, request.payload) == (
        "escalation.raised",
        "escalation",
        told.value,
    )
    mandate = request.mandate
    assert (mandate.organism, mandate.acknowledge, mandate.by) == (late, "reported", by)
    assert mandate.case == read(told).mandate.case


def test_a_head_that_is_late_itself_is_not_reminded_by_itself(head: Organism) -> None:
    """It has received the escalation; a reminder to itself would be answered by another one, for ever."""
    data: dict[str, object] = {"to": head.agent, "organism": head.agent, "level": "received"}
    (received,) = head(asked("escalation.raised", data, head.agent, role="informed"), Memory()).outputs
    assert received.topic == "l233.acknowledgements"


def test_a_reminder_is_never_answered_by_another(head: Organism) -> None:
    """Of a head that another one reminds: what it owes, it owes since before."""
    data: dict[str, object] = {"to": "cnam", "organism": head.agent, "level": "received"}
    assert head(asked("escalation.raised", data, head.agent, role="support"), Memory()).outputs == []


def test_a_head_refuses_to_lead(head: Organism) -> None:
    """A national head never leads a worker's case (L233-1)."""
    (refused,) = head(asked("contribution.called", {}, head.agent), Memory()).outputs
    assert json.loads(refused.value or b"")["reason"] == "not_competent"


def test_the_acoss_relays_declared_income_by_itself() -> None:
    """Within the seven days of R613-1-1 without anybody's word: it reports at once."""
    (acoss,) = [kind(WORLD) for kind in HEADS if kind.agent == "acoss"]
    income: dict[str, object] = {"year": 2025, "amount": "30000.00", "source": "tax_authority"}
    outputs = acoss(asked("income.declared", income, "acoss", role="support"), Memory()).outputs
    assert [dict(output.headers)["ce_type"] for output in outputs] == [
        b"fr.l233.acknowledgement.received.v1",
        b"fr.l233.acknowledgement.reported.v1",
    ]
    assert json.loads(outputs[1].value or b"") == {"organism": "acoss", "role": "support", "code": 0}
